//! Which attributes are PyO3's, and which stay with the `async fn`.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Lit, Result, Token};

use crate::options::{Foreign, Options};

/// The attributes of an `async fn`, sorted.
#[derive(Default)]
pub(crate) struct Attributes {
    /// Those of the `async fn`.
    pub(crate) own: Vec<Attribute>,
    /// Those of what Python calls.
    pub(crate) wrapper: Vec<Attribute>,
    /// What is in `#[pyo3(…)]`.
    pub(crate) pyo3: Vec<Foreign>,
    /// What is in `#[crossawait(…)]`.
    pub(crate) options: Options,
}

/// Attributes of PyO3's that an `async fn` cannot have, and what to do.
const REFUSED: [(&str, &str); 6] = [
    ("new", "`__new__` cannot be awaited: make an async `#[staticmethod]` that returns the object, such as `connect`"),
    ("getter", "an attribute that has to be awaited is a method: take `#[getter]` away"),
    ("setter", "setting an attribute cannot be awaited: take `#[setter]` away and call it as a method"),
    ("deleter", "deleting an attribute cannot be awaited: take `#[deleter]` away and call it as a method"),
    ("classattr", "a class attribute cannot be awaited: make it an async `#[staticmethod]`"),
    ("classmethod", "the class is borrowed for the call, which the future outlives: write `#[staticmethod]`"),
];

impl Attributes {
    pub(crate) fn sort(attributes: Vec<Attribute>) -> Result<Self> {
        let mut sorted = Self::default();
        for attribute in attributes {
            sorted.take(attribute)?;
        }
        Ok(sorted)
    }

    fn take(&mut self, attribute: Attribute) -> Result<()> {
        let path = attribute.path();
        if let Some((_, message)) = REFUSED.iter().find(|(name, _)| path.is_ident(name)) {
            return Err(Error::new_spanned(&attribute, message));
        }
        if path.is_ident("pyo3") {
            self.pyo3.extend(attribute.parse_args_with(Punctuated::<Foreign, Token![,]>::parse_terminated)?);
        } else if path.is_ident("crossawait") {
            if self.options.first().is_some() {
                return Err(Error::new_spanned(&attribute, "one `#[crossawait(…)]` is enough"));
            }
            self.options = attribute.parse_args()?;
            self.options.refuse_foreign("what is PyO3's stands in `#[pyo3(…)]`")?;
        } else if path.is_ident("staticmethod") || path.is_ident("pyfunction") {
            self.wrapper.push(attribute);
        } else if path.is_ident("doc") || path.is_ident("cfg") {
            self.wrapper.push(attribute.clone());
            self.own.push(attribute);
        } else {
            self.own.push(attribute);
        }
        Ok(())
    }

    /// The name that Python knows it by, if that is not Rust's.
    pub(crate) fn name(&self) -> Result<Option<String>> {
        let Some(option) = self.pyo3.iter().find(|option| option.key == "name") else {
            return Ok(None);
        };
        let option: syn::MetaNameValue = syn::parse2(option.to_token_stream())?;
        match &option.value {
            syn::Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) => Ok(Some(name.value())),
            other => Err(Error::new_spanned(other, "a name is a text: `name = \"get\"`")),
        }
    }

    /// PyO3's options for what Python calls, without the name.
    pub(crate) fn without_name(&self) -> impl Iterator<Item = &Foreign> {
        self.pyo3.iter().filter(|option| option.key != "name")
    }
}

/// Takes PyO3's attributes off an argument of the `async fn`, which does not know them.
pub(crate) fn without_pyo3(argument: &syn::PatType) -> syn::PatType {
    let mut argument = argument.clone();
    argument.attrs.retain(|attribute| !attribute.path().is_ident("pyo3"));
    argument
}

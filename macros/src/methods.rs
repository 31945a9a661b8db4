//! `#[pymethods]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Expr, FnArg, ImplItem, ImplItemFn, ItemImpl, Result, Type, parse2};

use crate::attributes::{Attributes, without_pyo3};
use crate::options::Options;
use crate::receiver;
use crate::wrapper::Wrapped;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: Options = parse2(arguments)?;
    options.refuse_foreign("`#[pymethods]` takes `runtime = …` alone")?;
    if let Some(option) = options.blocking.as_ref().map(|name| name.span()).or(options.awaitable).or(options.spawn) {
        return Err(Error::new(option, "this is said of one method: `#[crossawait(…)]`"));
    }
    let mut block: ItemImpl = parse2(item)?;
    let class = (*block.self_ty).clone();
    let pymethods = quote!(::crossawait_core::macros::pyo3::pymethods);
    if block.trait_.is_some() || block.generics.lt_token.is_some() {
        // PyO3 says why that cannot be.
        return Ok(quote!(#[#pymethods] #block));
    }

    let mut plain = Vec::new();
    let mut offered = Vec::new();
    let mut errors: Option<Error> = None;
    for item in std::mem::take(&mut block.items) {
        let written = match item {
            ImplItem::Fn(method) if method.sig.asyncness.is_some() => write(method, &class, options.runtime.as_ref())
                .map(|(method, wrappers)| {
                    plain.push(method);
                    wrappers
                }),
            item => refuse_options(&item).map(|()| item.to_token_stream()),
        };
        match (written, &mut errors) {
            (Ok(written), _) => offered.push(written),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }

    let cfgs = block.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let attributes = &block.attrs;
    Ok(quote! {
        #(#cfgs)*
        impl #class {
            #(#plain)*
        }

        #(#attributes)*
        #[#pymethods]
        impl #class {
            #(#offered)*
        }
    })
}

/// The `async fn` as Rust goes on to see it, and what Python sees.
fn write(mut method: ImplItemFn, class: &Type, runtime: Option<&Expr>) -> Result<(ImplItemFn, TokenStream)> {
    let attributes = Attributes::sort(std::mem::take(&mut method.attrs))?;
    let is_static = attributes.wrapper.iter().any(|attribute| attribute.path().is_ident("staticmethod"));
    receiver::check(&method.sig, is_static)?;
    let wrapped = Wrapped::new(&method.sig, &method.vis, &attributes, Some((class, runtime)))?;
    let leading = TokenStream::new();
    let (wrapper, blocking) = (wrapped.write(&leading)?, wrapped.write_blocking(&leading));
    method.attrs = attributes.own;
    for argument in &mut method.sig.inputs {
        if let FnArg::Typed(argument) = argument {
            *argument = without_pyo3(argument);
        }
    }
    Ok((method, quote!(#wrapper #blocking)))
}

/// Our options are for what is `async`.
fn refuse_options(item: &ImplItem) -> Result<()> {
    let ImplItem::Fn(method) = item else {
        return Ok(());
    };
    match method.attrs.iter().find(|attribute| attribute.path().is_ident("crossawait")) {
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "this is for an `async fn`: write `async fn`, or leave it out and the method is PyO3's",
        )),
        None => Ok(()),
    }
}

//! `#[pyfunction]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemFn, Result, parse2};

use crate::attributes::{Attributes, without_pyo3};
use crate::options::Options;
use crate::wrapper::Wrapped;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: Options = parse2(arguments)?;
    let mut function: ItemFn = parse2(item)?;
    let pyfunction = quote!(::crossawait_core::macros::pyo3::pyfunction);
    if function.sig.asyncness.is_none() {
        if let Some(option) = options.first() {
            return Err(Error::new(
                option,
                "this is for an `async fn`: write `async fn`, or leave the option out and the function is PyO3's",
            ));
        }
        let rest = options.rest;
        return Ok(quote!(#[#pyfunction(#(#rest),*)] #function));
    }
    if let Some(receiver) = function.sig.receiver() {
        return Err(Error::new_spanned(receiver, "for methods there is `#[pymethods]`, at the `impl` block"));
    }

    let mut attributes = Attributes::sort(std::mem::take(&mut function.attrs))?;
    if let Some(option) = attributes.options.first() {
        return Err(Error::new(option, "at a function this stands in `#[pyfunction(…)]`"));
    }
    attributes.pyo3.extend(options.rest.iter().cloned());
    attributes.options = options;

    let wrapped = Wrapped::new(&function.sig, &function.vis, &attributes, None)?;
    let leading = quote!(#[#pyfunction]);
    let (wrapper, blocking) = (wrapped.write(&leading)?, wrapped.write_blocking(&leading));
    let cfgs: Vec<_> = attributes.own.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    // What PyO3 makes of a function is a module of the same name, and that is all it looks for. A module and a function
    // may share a name, so the `async fn` keeps its own.
    let exports = [Some(&function.sig.ident), attributes.options.blocking.as_ref()].into_iter().flatten().map(|name| {
        let (visibility, ident) = (&function.vis, Wrapped::ident(name));
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(unused_imports)]
            #visibility use #ident::{self as #name};
        }
    });
    let exports: Vec<_> = exports.collect();

    let own = &attributes.own;
    let mut plain = function.clone();
    for argument in &mut plain.sig.inputs {
        if let FnArg::Typed(argument) = argument {
            *argument = without_pyo3(argument);
        }
    }
    Ok(quote! {
        #(#own)*
        #plain

        #wrapper

        #blocking

        #(#exports)*
    })
}

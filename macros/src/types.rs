//! What can be read from types and expressions without knowing what their names stand for.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, ReturnType, Type};

/// Whether an argument is the caller, which Python does not give.
pub(crate) fn is_caller(of: &Type) -> bool {
    matches!(of, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Caller"))
}

/// What the future returns, and what stubs are to say of it: `None` for `()`, which PyO3 takes for an empty tuple.
pub(crate) fn output(output: &ReturnType, macros: &TokenStream) -> (TokenStream, TokenStream) {
    match output {
        ReturnType::Default => (quote!(()), quote!(#macros::Nothing)),
        ReturnType::Type(_, output) if is_unit(output) => (quote!(#output), quote!(#macros::Nothing)),
        ReturnType::Type(_, output) => (quote!(#output), quote!(#output)),
    }
}

/// Whether it is `()` or a `Result` of it.
fn is_unit(of: &Type) -> bool {
    match of {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| match &last.arguments {
            PathArguments::AngleBracketed(arguments) if last.ident.to_string().ends_with("Result") => {
                matches!(arguments.args.first(), Some(GenericArgument::Type(value)) if is_unit(value))
            }
            _ => false,
        }),
        Type::Group(group) => is_unit(&group.elem),
        Type::Paren(paren) => is_unit(&paren.elem),
        _ => false,
    }
}

/// The same, as if it stood elsewhere: for complaints. What names mean stays.
pub(crate) fn located(tokens: TokenStream, place: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                token = Group::new(group.delimiter(), located(group.stream(), place)).into();
            }
            token.set_span(token.span().located_at(place));
            token
        })
        .collect()
}

/// Whether a name occurs in it, be it in a macro.
pub(crate) fn mentions(tokens: impl ToTokens, name: &str) -> bool {
    fn occurs(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => occurs(group.stream(), name),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    occurs(tokens.to_token_stream(), name)
}

//! What stands in the parentheses of the attributes: our options, and those that are passed on to PyO3.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, Result, Token};

/// Options for one `async fn`, or for a whole block of methods.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) runtime: Option<Expr>,
    /// The name of the twin that blocks.
    pub(crate) blocking: Option<Ident>,
    pub(crate) awaitable: Option<Span>,
    pub(crate) spawn: Option<Span>,
    /// PyO3's.
    pub(crate) rest: Vec<Foreign>,
}

/// An option of PyO3's.
#[derive(Clone)]
pub(crate) struct Foreign {
    pub(crate) key: String,
    pub(crate) tokens: TokenStream,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            options.parse_one(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl Options {
    fn parse_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let fork = input.fork();
        // Options may be named by keywords: `crate`.
        let key = fork.call(<Ident as syn::ext::IdentExt>::parse_any)?;
        match key.to_string().as_str() {
            "runtime" => set(&mut self.runtime, &key, value(input, "an expression: `runtime = RUNTIME`")?),
            "blocking" => set(&mut self.blocking, &key, value(input, "a name: `blocking = get_blocking`")?),
            "awaitable" => set(&mut self.awaitable, &key, flag(input)?),
            "spawn" => set(&mut self.spawn, &key, flag(input)?),
            _ => {
                self.rest.push(Foreign::parse(input)?);
                Ok(())
            }
        }
    }

    /// The first of our options, for complaints about where it stands.
    pub(crate) fn first(&self) -> Option<Span> {
        let runtime = self.runtime.as_ref().map(syn::spanned::Spanned::span);
        runtime.or(self.blocking.as_ref().map(Ident::span)).or(self.awaitable).or(self.spawn)
    }

    /// Fails if there is anything that PyO3 does not take here.
    pub(crate) fn refuse_foreign(&self, message: &str) -> Result<()> {
        match self.rest.first() {
            Some(foreign) => Err(Error::new_spanned(&foreign.tokens, message)),
            None => Ok(()),
        }
    }
}

impl Parse for Foreign {
    /// Takes everything up to the next comma; those inside parentheses are out of sight.
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.fork().call(<Ident as syn::ext::IdentExt>::parse_any)?.to_string();
        let mut tokens = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![,]) {
            tokens.extend([input.parse::<TokenTree>()?]);
        }
        Ok(Self { key, tokens })
    }
}

impl ToTokens for Foreign {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

fn set<T>(place: &mut Option<T>, key: &Ident, value: T) -> Result<()> {
    match place.replace(value) {
        Some(_) => Err(Error::new(key.span(), format!("`{key}` stands here twice"))),
        None => Ok(()),
    }
}

fn value<T: Parse>(input: ParseStream<'_>, what: &str) -> Result<T> {
    let key: Ident = input.parse()?;
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` needs {what}")));
    }
    input.parse::<Token![=]>()?;
    input.parse().map_err(|error| Error::new(error.span(), format!("`{key}` needs {what}")))
}

fn flag(input: ParseStream<'_>) -> Result<Span> {
    let key: Ident = input.parse()?;
    if input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` takes no value")));
    }
    Ok(key.span())
}

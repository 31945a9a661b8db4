//! The function that Python calls: it makes the future, and hands it to Python as one thing or another.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Expr, FnArg, PatType, Result, ReturnType, Signature, Type, Visibility};

use crate::attributes::Attributes;
use crate::types::{self, is_caller};
use crate::{check, receiver};

/// What a future becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Coroutine { spawn: bool },
    Awaitable,
    Blocking,
}

/// An `async fn` that has been checked, and everything that is needed to write functions around it.
pub(crate) struct Wrapped<'a> {
    attributes: &'a Attributes,
    signature: &'a Signature,
    visibility: &'a Visibility,
    /// Of a method, and of a static one.
    class: Option<&'a Type>,
    runtime: Expr,
    /// What Python gives.
    arguments: Vec<&'a PatType>,
    /// The names of all arguments, in order, and whether it is a `Caller`.
    all: Vec<(&'a Ident, bool)>,
    face: Face,
}

impl<'a> Wrapped<'a> {
    /// `block` says whose methods they are, and what runs them if they do not say it themselves.
    pub(crate) fn new(
        signature: &'a Signature,
        visibility: &'a Visibility,
        attributes: &'a Attributes,
        block: Option<(&'a Type, Option<&Expr>)>,
    ) -> Result<Self> {
        check::signature(signature)?;
        check::options(&attributes.pyo3)?;
        let options = &attributes.options;
        let mut arguments = Vec::new();
        let mut all = Vec::new();
        for argument in &signature.inputs {
            if let FnArg::Typed(argument) = argument {
                let is_caller = is_caller(&argument.ty);
                all.push((check::argument(argument)?, is_caller));
                if !is_caller {
                    arguments.push(argument);
                } else if let Some(blocking) = &options.blocking {
                    return Err(Error::new(
                        blocking.span(),
                        "a future that calls Python needs the loop, which a call that blocks would hold up: leave out \
                         `blocking`, or the `Caller`",
                    ));
                }
            }
        }
        let face = match (options.awaitable, options.spawn) {
            (Some(_), Some(spawn)) => {
                return Err(Error::new(spawn, "an `awaitable` is spawned anyway: leave out `spawn`"));
            }
            (Some(_), None) => Face::Awaitable,
            (None, spawn) => Face::Coroutine { spawn: spawn.is_some() },
        };
        let (class, runtime) = block.unzip();
        let Some(runtime) = options.runtime.as_ref().or(runtime.flatten()).cloned() else {
            return Err(Error::new(
                signature.asyncness.span(),
                "say which runtime runs it: `runtime = RUNTIME`, or another expression that gives a \
                 `crossawait_core::Runtime`, in the attribute",
            ));
        };
        if signature.receiver().is_none() {
            receiver::refuse_self(&runtime)?;
        }
        Ok(Self { attributes, signature, visibility, class, runtime, arguments, all, face })
    }

    /// Rust's name for what Python calls; the plain one is the `async fn`'s.
    pub(crate) fn ident(name: &Ident) -> Ident {
        format_ident!("__crossawait_{}", name.unraw())
    }

    /// The function for Python, under the function's own name. `leading` is for PyO3.
    pub(crate) fn write(&self, leading: &TokenStream) -> Result<TokenStream> {
        let name = &self.signature.ident;
        let python = self.attributes.name()?.unwrap_or_else(|| name.unraw().to_string());
        Ok(self.write_as(leading, &Self::ident(name), &python, self.face))
    }

    /// The twin that blocks, if it is asked for.
    pub(crate) fn write_blocking(&self, leading: &TokenStream) -> Option<TokenStream> {
        let name = self.attributes.options.blocking.as_ref()?;
        let python = name.unraw().to_string();
        Some(self.write_as(leading, &Self::ident(name), &python, Face::Blocking))
    }

    fn write_as(&self, leading: &TokenStream, ident: &Ident, python: &str, face: Face) -> TokenStream {
        let Self { visibility, arguments, .. } = self;
        let (docs, options) = (&self.attributes.wrapper, self.attributes.without_name());
        let macros = quote!(::crossawait_core::macros);
        let arguments = arguments.iter().map(|argument| plain(argument));
        // Names of ours are out of sight of the author's, but for `py`, which the expression may use.
        let py = if types::mentions(&self.runtime, "py") { Ident::new("py", Span::call_site()) } else { local("py") };
        let (slf, receiver, mut runtime) = (local("slf"), local("receiver"), local("runtime"));
        // What is wrong with it is said where it stands.
        runtime.set_span(runtime.span().located_at(self.runtime.span()));
        let (first, take_receiver) = match self.signature.receiver() {
            Some(token) => (
                quote!(#slf: &#macros::pyo3::Bound<'py, Self>),
                // What is wrong with the class is said where `&self` stands.
                quote_spanned! {token.span()=>
                    #macros::only_frozen::<Self>();
                    let #py = #slf.py();
                    let #receiver = #macros::Receiver::new(#slf)?;
                },
            ),
            None => (quote!(#py: #macros::pyo3::Python<'py>), TokenStream::new()),
        };
        let expression = receiver::replace_self(&self.runtime, &receiver);
        let take_runtime = quote_spanned! {expression.span()=>
            // By itself, so that its type is its own: what it gives may have to be dereferenced.
            let #runtime = &(#expression);
            let #runtime = #macros::Runtime::clone(#runtime);
        };
        let callers = self.all.iter().filter(|(_, is_caller)| *is_caller).map(|(name, _)| name);
        let (output, shown) = types::output(&self.signature.output, &macros);
        let future = self.call(&receiver);
        let future = quote!((&#macros::Output::<#output>::NEW).kind().wrap(#future));
        let name = self.qualified_name(python);
        let (of, hand_over) = match face {
            Face::Coroutine { spawn } => {
                (quote!(CoroutineOf), quote!(#macros::coroutine(#py, &#runtime, #name, #spawn, #future)))
            }
            Face::Awaitable => (quote!(AwaitableOf), quote!(#macros::awaitable(#py, &#runtime, #name, #future))),
            Face::Blocking => (quote!(ValueOf), quote!(#macros::block_on(#py, &#runtime, #future))),
        };
        let hand_over = types::located(hand_over, self.place());
        quote! {
            #(#docs)*
            #[doc(hidden)]
            #leading
            #[pyo3(name = #python #(, #options)*)]
            #[allow(non_snake_case, unused_imports, unused_parens, clippy::all, clippy::pedantic)]
            #visibility fn #ident<'py>(#first #(, #arguments)*) -> #macros::pyo3::PyResult<#macros::#of<'py, #shown>> {
                use #macros::{OfResult as _, OfValue as _};
                #take_receiver
                #take_runtime
                #(let #callers = #macros::Caller::current(#py)?;)*
                #hand_over
            }
        }
    }

    /// Where to say what is wrong with the future: what it returns, or its name.
    fn place(&self) -> Span {
        match &self.signature.output {
            ReturnType::Default => self.signature.ident.span(),
            ReturnType::Type(_, output) => output.span(),
        }
    }

    /// Calls the `async fn`.
    fn call(&self, receiver: &Ident) -> TokenStream {
        let name = &self.signature.ident;
        let arguments = self.all.iter().map(|(name, _)| name);
        match (self.class, self.signature.receiver()) {
            (Some(_), Some(_)) => quote!(async move { Self::#name(#receiver.get() #(, #arguments)*).await }),
            (Some(_), None) => quote!(Self::#name(#(#arguments),*)),
            // An argument may hide a function of the same name, but not a path.
            (None, _) if self.all.iter().any(|(argument, _)| *argument == name) => {
                quote!(self::#name(#(#arguments),*))
            }
            (None, _) => quote!(#name(#(#arguments),*)),
        }
    }

    /// What `repr` and tracebacks show.
    fn qualified_name(&self, python: &str) -> TokenStream {
        match self.class {
            None => quote!(#python),
            Some(class) => quote! {{
                static NAME: ::std::sync::LazyLock<::std::string::String> =
                    ::std::sync::LazyLock::new(|| ::crossawait_core::macros::qualified_name::<#class>(#python));
                NAME.as_str()
            }},
        }
    }
}

/// An argument as PyO3 wants it: whether it may change is the `async fn`'s affair.
fn plain(argument: &PatType) -> TokenStream {
    let (ty, attributes) = (&argument.ty, argument.attrs.iter().filter(|attribute| attribute.path().is_ident("pyo3")));
    match &*argument.pat {
        syn::Pat::Ident(pattern) => {
            let name = &pattern.ident;
            quote!(#(#attributes)* #name: #ty)
        }
        pattern => quote!(#(#attributes)* #pattern: #ty),
    }
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

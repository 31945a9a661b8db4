//! `&self`, and `self` in the expression that gives the runtime.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, ReceiverKind, Result, Signature, parse_quote_spanned};

/// Checks how a method takes its object.
pub(crate) fn check(signature: &Signature, is_static: bool) -> Result<()> {
    let Some(receiver) = signature.receiver() else {
        if is_static {
            return Ok(());
        }
        return Err(Error::new_spanned(
            &signature.ident,
            "an async method takes `&self`; one that has no object is a `#[staticmethod]`",
        ));
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => Ok(()),
        ReceiverKind::Reference(_, _, Some(_)) => Err(Error::new_spanned(
            receiver,
            "several futures may share the object: take `&self`, and keep what changes in an atomic or behind a lock",
        )),
        _ => Err(Error::new_spanned(receiver, "an async method takes `&self`; the object is kept while it runs")),
    }
}

/// Fails if the expression needs an object where there is none.
pub(crate) fn refuse_self(expression: &Expr) -> Result<()> {
    struct Find(Result<()>);

    impl<'ast> Visit<'ast> for Find {
        fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
            if path.path.is_ident("self") {
                self.0 = Err(Error::new_spanned(
                    path,
                    "there is no `self` here: say which runtime runs a function without an object, such as \
                     `#[crossawait(runtime = RUNTIME)]` at a static method",
                ));
            }
            visit::visit_expr_path(self, path);
        }
    }

    let mut find = Find(Ok(()));
    find.visit_expr(expression);
    find.0
}

/// The expression with `receiver.get()` for `self`, since it stands in a function without.
pub(crate) fn replace_self(expression: &Expr, receiver: &Ident) -> Expr {
    struct Replace<'a>(&'a Ident);

    impl VisitMut for Replace<'_> {
        fn visit_expr_mut(&mut self, expression: &mut Expr) {
            match expression {
                Expr::Path(path) if path.path.is_ident("self") => {
                    let receiver = self.0;
                    *expression = parse_quote_spanned!(path.span()=> #receiver.get());
                }
                _ => visit_mut::visit_expr_mut(self, expression),
            }
        }
    }

    let mut expression = expression.clone();
    Replace(receiver).visit_expr_mut(&mut expression);
    expression
}

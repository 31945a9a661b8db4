//! What cannot be turned into a coroutine, and what to write instead.

use syn::visit::{self, Visit};
use syn::{Error, Ident, Pat, PatType, Path, Result, ReturnType, Safety, Signature, Type};

use crate::options::Foreign;

/// Types that borrow from the interpreter, and what a future can have instead.
const BORROWED: [(&str, &str); 5] = [
    ("Bound", "take `Py<…>`"),
    ("Borrowed", "take `Py<…>`"),
    ("PyRef", "take `Py<…>`, of a frozen class, and read it with `get()`"),
    ("PyRefMut", "take `Py<…>`, of a frozen class, and read it with `get()`"),
    ("Python", "the threads of a runtime are not attached to Python; to call Python take a `Caller`"),
];

/// Checks what can be seen of the function's own line; whether types are `Send` is for the compiler.
pub(crate) fn signature(signature: &Signature) -> Result<()> {
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Error::new_spanned(token, "Python cannot keep the promises that an `unsafe fn` asks for"));
    }
    let generics = &signature.generics;
    if let Some(parameter) = generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "an `async fn` for Python has no generic parameters: write the types that Python gives, owned ones",
        ));
    }
    if let Some(clause) = &generics.where_clause {
        return Err(Error::new_spanned(clause, "an `async fn` for Python has no `where` clause: its types are known"));
    }
    if let ReturnType::Type(_, output) = &signature.output {
        Borrows::find(output, "what the future returns outlives the call")?;
    }
    Ok(())
}

/// Checks an argument and returns its name.
pub(crate) fn argument(argument: &PatType) -> Result<&Ident> {
    Borrows::find(&argument.ty, "the future outlives the call")?;
    match &*argument.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Ok(&pattern.ident),
        pattern => {
            Err(Error::new_spanned(pattern, "Python needs a name here: take the argument apart inside the function"))
        }
    }
}

/// Checks PyO3's options.
pub(crate) fn options(options: &[Foreign]) -> Result<()> {
    for option in options {
        if option.key == "signature" && option.tokens.to_string().contains("->") {
            return Err(Error::new_spanned(
                &option.tokens,
                "what is returned here is a coroutine, of what the Rust type says: leave out `-> …`",
            ));
        }
        if option.key == "pass_module" {
            return Err(Error::new_spanned(
                &option.tokens,
                "the module is borrowed for the call, which the future outlives",
            ));
        }
    }
    Ok(())
}

/// Looks for what is borrowed inside a type.
struct Borrows<'a> {
    why: &'a str,
    error: Option<Error>,
}

impl Borrows<'_> {
    fn find(of: &Type, why: &str) -> Result<()> {
        let mut borrows = Borrows { why, error: None };
        borrows.visit_type(of);
        borrows.error.map_or(Ok(()), Err)
    }

    fn report(&mut self, place: impl quote::ToTokens, advice: &str) {
        let why = self.why;
        self.error.get_or_insert_with(|| Error::new_spanned(place, format!("{why}: {advice}")));
    }
}

impl<'ast> Visit<'ast> for Borrows<'_> {
    fn visit_type(&mut self, of: &'ast Type) {
        match of {
            Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(|name| name.ident != "static") => {
                let owned = match &*reference.elem {
                    Type::Path(path) if path.path.is_ident("str") => "take and give `String`, not `&str`",
                    Type::Slice(_) => "take and give a `Vec`, not a slice",
                    _ => "take and give owned values, not references",
                };
                self.report(of, owned);
            }
            Type::ImplTrait(_) => self.report(of, "and Python has to know the type: write it out, not `impl …`"),
            // What a function takes and gives is its own affair.
            Type::FnPtr(_) => {}
            _ => visit::visit_type(self, of),
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let last = path.segments.last();
        let known = last.and_then(|last| BORROWED.iter().find(|(name, _)| last.ident == name));
        match known {
            Some((_, advice)) => self.report(path, advice),
            None => visit::visit_path(self, path),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if lifetime.ident != "static" {
            self.report(lifetime, "take and give owned values, without lifetimes");
        }
    }
}

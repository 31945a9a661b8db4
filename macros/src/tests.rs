//! What is refused: which words of the source the complaint is about, and that it says what to write instead.

use proc_macro2::TokenStream;

use crate::{function, methods};

/// The complaint about a function, as "the words it is about: what it says".
fn function(arguments: &str, item: &str) -> String {
    complaint(function::expand(parse(arguments), parse(item)))
}

/// The complaint about a method of a block that says which runtime.
fn method(item: &str) -> String {
    complaint(methods::expand(parse("runtime = self.runtime"), parse(&format!("impl Client {{ {item} }}"))))
}

fn parse(source: &str) -> TokenStream {
    source.parse().expect("tokens")
}

fn complaint(expanded: syn::Result<TokenStream>) -> String {
    let error = expanded.expect_err("a complaint");
    format!("{}: {error}", error.span().source_text().expect("a place in the source"))
}

#[track_caller]
fn assert_says(complaint: &str, place: &str, advice: &str) {
    assert!(complaint.starts_with(&format!("{place}: ")), "not about `{place}`: {complaint}");
    assert!(complaint.contains(advice), "does not say `{advice}`: {complaint}");
}

const RUNTIME: &str = "runtime = RUNTIME";

#[test]
fn what_can_be_done_is_done() {
    let expanded = function::expand(parse(RUNTIME), parse("pub async fn get(key: &'static str) -> Option<Vec<u8>> {}"));
    let written = expanded.expect("it is allowed").to_string();
    assert!(written.contains("pub async fn get"), "{written}");
    assert!(written.contains("pub use __crossawait_get :: { self as get } ;"), "{written}");
}

#[test]
fn what_is_not_async_goes_to_pyo3_as_it_is() {
    let expanded = function::expand(parse("name = \"put\""), parse("fn get<'py>(key: &str, py: Python<'py>) {}"));
    let written = expanded.expect("it is allowed").to_string();
    let attribute = "# [:: crossawait_core :: macros :: pyo3 :: pyfunction (name = \"put\")]";
    assert_eq!(written, format!("{attribute} fn get < 'py > (key : & str , py : Python < 'py >) {{ }}"));
}

#[test]
fn no_runtime() {
    assert_says(&function("", "async fn get() {}"), "async", "`runtime = RUNTIME`");
    let block = methods::expand(TokenStream::new(), parse("impl Client { async fn get(&self) {} }"));
    assert_says(&complaint(block), "async", "`runtime = RUNTIME`");
    let says = function("runtime", "async fn get() {}");
    assert_says(&says, "runtime", "`runtime = RUNTIME`");
}

#[test]
fn not_async() {
    assert_says(&function(RUNTIME, "fn get() {}"), "RUNTIME", "write `async fn`");
    assert_says(&function("blocking = wait", "fn get() {}"), "wait", "write `async fn`");
    assert_says(&method("#[crossawait(spawn)] fn get(&self) {}"), "#[crossawait(spawn)]", "write `async fn`");
}

#[test]
fn borrowed_arguments() {
    let argument = |argument: &str| function(RUNTIME, &format!("async fn get(first: u8, second: {argument}) {{}}"));
    assert_says(&argument("&str"), "&str", "`String`");
    assert_says(&argument("Option<&str>"), "&str", "`String`");
    assert_says(&argument("&[u8]"), "&[u8]", "a `Vec`");
    assert_says(&argument("&Gate"), "&Gate", "owned");
    assert_says(&argument("Bound<'_, PyAny>"), "Bound<'_, PyAny>", "`Py<…>`");
    assert_says(&argument("Vec<Bound<PyAny>>"), "Bound<PyAny>", "`Py<…>`");
    assert_says(&argument("PyRef<'_, Gate>"), "PyRef<'_, Gate>", "`get()`");
    assert_says(&argument("Python<'_>"), "Python<'_>", "`Caller`");
    assert_says(&argument("Cow<'_, str>"), "'_", "owned");
    assert_says(&argument("impl Display"), "impl Display", "write it out");
    assert_says(&method("async fn get(&self, key: &str) {}"), "&str", "`String`");
}

#[test]
fn borrowed_values() {
    assert_says(&function(RUNTIME, "async fn get() -> PyResult<&str> {}"), "&str", "`String`");
    assert_says(&function(RUNTIME, "async fn get() -> impl Display {}"), "impl Display", "write it out");
    assert_says(&method("async fn get(&self) -> &Gate {}"), "&Gate", "owned");
}

#[test]
fn patterns() {
    assert_says(&function(RUNTIME, "async fn get((a, b): (u8, u8)) {}"), "(a, b)", "inside the function");
}

#[test]
fn receivers() {
    assert_says(&method("async fn get(&mut self) {}"), "&mut self", "take `&self`");
    assert_says(&method("async fn get(self) {}"), "self", "take");
    assert_says(&method("async fn get(self: Py<Self>) {}"), "self: Py<Self>", "take");
    assert_says(&method("async fn get(slf: Py<Self>) {}"), "get", "`#[staticmethod]`");
    assert_says(&function(RUNTIME, "async fn get(&self) {}"), "&self", "`#[pymethods]`");
}

#[test]
fn generic_functions() {
    assert_says(&function(RUNTIME, "async fn get<T: Send>(key: T) {}"), "T: Send", "no generic parameters");
    assert_says(&function(RUNTIME, "async fn get<'a>(key: Key<'a>) {}"), "'a", "no generic parameters");
    assert_says(&function(RUNTIME, "async fn get() where u8: Send {}"), "where u8: Send", "no `where` clause");
    assert_says(&function(RUNTIME, "async unsafe fn get() {}"), "unsafe", "`unsafe fn`");
}

#[test]
fn what_only_pyo3_knows_how_to_call() {
    for (attribute, advice) in [
        ("#[new]", "`#[staticmethod]`"),
        ("#[classmethod]", "`#[staticmethod]`"),
        ("#[getter]", "take `#[getter]` away"),
        ("#[setter]", "call it as a method"),
        ("#[classattr]", "`#[staticmethod]`"),
    ] {
        assert_says(&method(&format!("{attribute} async fn get(&self) {{}}")), attribute, advice);
    }
}

#[test]
fn a_static_method_has_no_runtime_of_its_own() {
    let says = method("#[staticmethod] async fn connect() {}");
    assert_says(&says, "self", "`#[crossawait(runtime = RUNTIME)]`");
}

#[test]
fn options() {
    let options = |options: &str| function(&format!("runtime = RUNTIME, {options}"), "async fn get() {}");
    assert_says(&options("runtime = RUNTIME"), "runtime", "twice");
    assert_says(&options("blocking"), "blocking", "`blocking = get_blocking`");
    assert_says(&options("blocking = 1"), "1", "`blocking = get_blocking`");
    assert_says(&options("spawn = true"), "spawn", "no value");
    assert_says(&options("awaitable, spawn"), "spawn", "leave out `spawn`");
    assert_says(&options("pass_module"), "pass_module", "outlives");
    assert_says(&options("signature = () -> \"int\""), "signature = () -> \"int\"", "leave out `-> …`");
    assert_says(&options("name = get"), "get", "`name = \"get\"`");
    let says = function(RUNTIME, "#[crossawait(spawn)] async fn get() {}");
    assert_says(&says, "spawn", "`#[pyfunction(…)]`");
    assert_says(&method("#[crossawait(name = \"put\")] async fn get(&self) {}"), "name = \"put\"", "`#[pyo3(…)]`");
    let block = methods::expand(parse("runtime = RUNTIME, spawn"), parse("impl Client {}"));
    assert_says(&complaint(block), "spawn", "`#[crossawait(…)]`");
}

#[test]
fn a_caller_where_the_loop_stands_still() {
    let says = function("runtime = RUNTIME, blocking = get_blocking", "async fn get(caller: Caller) {}");
    assert_says(&says, "get_blocking", "leave out `blocking`, or the `Caller`");
}

#[test]
fn every_method_with_a_mistake_is_told() {
    let block = parse("impl Client { async fn get(&mut self) {} async fn put(&self, key: &str) {} }");
    let errors = methods::expand(parse(RUNTIME), block).expect_err("two complaints");
    assert_eq!(errors.into_iter().count(), 2);
}

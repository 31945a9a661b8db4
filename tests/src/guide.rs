//! The pages of the guide, as doc tests.
//!
//! Every block of Rust in `docs/guide` is a doc test of this crate. One that defines Python functions ends in a hidden line
//! that names them, [`example!`](crate::example): they become a module, and the blocks of Python that follow in the page are
//! run with it, one after the other in one namespace. A block that is fenced as `text` right behind one of Python is what
//! that prints; without one it prints nothing.

use std::path::Path;
use std::sync::LazyLock;

use crossawait_core::Runtime;
use crossawait_tokio::Tokio;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::embedded::attached;

macro_rules! pages {
    ($($name:ident: $file:literal),+ $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../docs/guide/", $file))]
            mod $name {}
        )+
    };
}

pages! {
    blocking: "blocking.md",
    byte_streams: "byte_streams.md",
    calling: "calling.md",
    cancellation: "cancellation.md",
    guide: "../guide.md",
    local: "local.md",
    macros: "macro.md",
    programs: "programs.md",
    streams: "streams.md",
}

/// What the pages call their runtime.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Tokio::new().expect("threads for tokio")));

/// Runs the blocks of Python that follow in a page, up to the next block of Rust, with these functions in a module
/// `example`. It stands in a hidden line at the end of a block: `# crossawait_tests::example!("page.md": one, another);`.
#[macro_export]
macro_rules! example {
    ($page:literal: $($function:ident),+) => {
        $crate::guide::run($page, stringify!($($function),+), |module| {
            use $crate::guide::Functions as _;
            $(module.add_one(pyo3::wrap_pyfunction!($function, module)?)?;)+
            Ok(())
        })
    };
}

/// What [`example!`](crate::example) needs of a module, whatever the page imports.
pub trait Functions {
    /// Adds a function.
    ///
    /// # Errors
    /// What Python raises.
    fn add_one(&self, function: Bound<'_, pyo3::types::PyCFunction>) -> PyResult<()>;
}

impl Functions for Bound<'_, PyModule> {
    fn add_one(&self, function: Bound<'_, pyo3::types::PyCFunction>) -> PyResult<()> {
        self.add_function(function)
    }
}

/// See [`example!`](crate::example).
///
/// # Panics
/// If a block raises or does not print what the page says, and if there is none.
pub fn run(page: &str, functions: &str, fill: impl for<'py> FnOnce(&Bound<'py, PyModule>) -> PyResult<()>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide").join(page);
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let marker = format!("example!(\"{page}\": {functions})");
    let (_, rest) = text.split_once(&marker).expect("the page has this very line");
    // Behind the block that the line stands in.
    let (_, rest) = rest.split_once("\n```\n").expect("the block ends");
    let (rest, _) = rest.split_once("\n```rust").unwrap_or((rest, ""));
    let blocks = python_blocks(rest);
    assert!(!blocks.is_empty(), "a block of Python has to follow {marker}");
    attached(|py| {
        let ran = run_blocks(py, fill, &blocks);
        ran.unwrap_or_else(|error| {
            error.print(py);
            panic!("{page}: a block of Python raised");
        });
    });
}

fn run_blocks(
    py: Python<'_>,
    fill: impl for<'py> FnOnce(&Bound<'py, PyModule>) -> PyResult<()>,
    blocks: &[Block],
) -> PyResult<()> {
    let module = PyModule::new(py, "example")?;
    fill(&module)?;
    py.import("sys")?.getattr("modules")?.set_item("example", module)?;
    py.import("warnings")?.call_method1("simplefilter", ("error",))?;
    let play = PyModule::from_code(py, PLAY, c"play.py", c"play")?.getattr("play")?;
    let namespace = PyDict::new(py);
    for block in blocks {
        let printed: String = play.call1((&block.source, &namespace))?.extract()?;
        assert_eq!(printed, block.printed, "this is not what the block prints:\n{}", block.source);
    }
    Ok(())
}

/// Runs a block and returns what it writes: also to stderr, where nothing is expected.
const PLAY: &std::ffi::CStr = c"
import contextlib, gc, io

def play(source, namespace):
    namespace.setdefault('__name__', '__main__')
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        exec(compile(source, 'page', 'exec'), namespace)
        gc.collect()
    return printed.getvalue()
";

#[derive(Debug, PartialEq, Eq)]
struct Block {
    source: String,
    printed: String,
}

fn python_blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Whether nothing has come since the end of a block of Python.
    let mut behind = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            behind &= line.trim().is_empty();
            continue;
        };
        let inside: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        match (language, blocks.last_mut()) {
            ("python", _) => blocks.push(Block { source: inside, printed: String::new() }),
            ("text", Some(block)) if behind => block.printed = inside,
            _ => {}
        }
        behind = language == "python";
    }
    blocks
}

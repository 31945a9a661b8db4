"""The guide. Its blocks are doc tests of the crate in `tests`; here it is checked that none is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from page import ROOT, Block, blocks, dead_links

GUIDE = ROOT / "docs/guide.md"
PAGES = [GUIDE, *sorted((ROOT / "docs/guide").glob("*.md"))]
DOC_TESTS = ROOT / "tests/src/guide.rs"

# In the block of Rust that the blocks of Python behind it are run with.
EXAMPLE = re.compile(
    r'^# crossawait_tests::example!\("(?P<page>[^"]+)": (?P<functions>\w+(, \w+)*)\);$', re.MULTILINE
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def left_out(found: list[Block]) -> list[int]:
    """Return the lines of the blocks of Python that stand behind no block of Rust that runs them."""
    lines, runs = [], False
    for block in found:
        if block.language == "rust":
            runs = EXAMPLE.search(block.text) is not None
        elif block.language == "python" and not runs:
            lines.append(block.line)
    return lines


@each_page
def test_every_block_of_rust_is_a_doc_test(page: Path) -> None:
    name = "../guide.md" if page == GUIDE else page.name
    assert f'"{name}"' in DOC_TESTS.read_text()


@each_page
def test_every_block_of_python_is_run_with_the_rust_in_front_of_it(page: Path) -> None:
    assert left_out(blocks(page, "rust", "python")) == []


@each_page
def test_examples_name_their_own_page_and_what_is_in_their_block(page: Path) -> None:
    for block in blocks(page, "rust"):
        for example in EXAMPLE.finditer(block.text):
            assert (ROOT / "docs/guide" / example["page"]).resolve() == page
            functions = example["functions"].split(", ")
            assert [name for name in functions if f"fn {name}" not in block.text] == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_the_guide_leads_to_every_page() -> None:
    assert [page.name for page in PAGES[1:] if f"](guide/{page.name})" not in GUIDE.read_text()] == []


def test_a_block_that_nothing_runs_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    texts = {"python": "pass", "rust": '# crossawait_tests::example!("page.md": one);'}
    order = ("python", "rust", "python")
    page.write_text("".join(f"```{language}\n{texts[language]}\n```\n" for language in order))
    assert left_out(blocks(page)) == [2]

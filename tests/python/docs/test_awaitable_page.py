"""The walk from PEP 492 to this crate: its Python is run, its Rust is compiled, its loop is the example's."""

from __future__ import annotations

from pathlib import Path

import pytest

from page import ROOT, blocks, dead_links, run, said, strangers

DOCS = ROOT / "docs"
EXAMPLE = ROOT / "examples/awaitable"
PAGES = [DOCS / "awaitable.md", *sorted((DOCS / "awaitable").glob("*.md"))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_every_block_of_python_prints_what_the_page_says(page: Path) -> None:
    assert run(page) == said(page)


@each_page
def test_every_block_of_rust_is_a_part_of_the_extension_that_is_imported(page: Path) -> None:
    assert strangers(page, "rust", (EXAMPLE / "src").glob("*.rs")) == []


@pytest.mark.parametrize("page", [*PAGES, EXAMPLE / "README.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_the_walk_leads_to_every_page() -> None:
    first = PAGES[0].read_text()
    assert [page.name for page in PAGES[1:] if f"](awaitable/{page.name})" not in first] == []


def test_the_loop_that_is_shown_is_that_of_the_file() -> None:
    [loop] = [
        block for block in blocks(DOCS / "awaitable/own-loop.md", "python") if "class Loop:" in block.text
    ]
    assert loop.text in (EXAMPLE / "own_loop.py").read_text()

"""What runs the pages notices what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from page import dead_links, run, said, strangers

PAGE = """\
# Two blocks

```python
word = "one"
print(word)
```

```text
one
```

It goes on in the same namespace, and prints nothing:

```python
word += " more"
```

This is no output, since it does not stand behind Python:

```text
one
```

```rust
fn one() {}
```

Here are [a file](page.md#two-blocks), [another](missing.md) and [a site](https://www.python.org/).
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with everything."""
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def change(page: Path, old: str, new: str) -> None:
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))


def test_blocks_print_what_stands_behind_them(page: Path) -> None:
    assert said(page) == run(page) == {4: ["one"], 15: []}


def test_other_output_is_noticed(page: Path) -> None:
    change(page, "```text\none", "```text\ntwo")
    assert said(page) != run(page)


def test_output_that_the_page_does_not_show_is_noticed(page: Path) -> None:
    change(page, 'word += " more"', "print(word)")
    assert run(page) == {4: ["one"], 15: ["one"]} != said(page)


def test_an_exception_is_noticed_and_tells_the_line(page: Path) -> None:
    change(page, 'word += " more"', "word += 1")
    with pytest.raises(AssertionError, match=r"page\.md\", line 15\b"):
        run(page)


def test_a_warning_is_noticed(page: Path) -> None:
    change(page, 'word += " more"', "async def main(): ...\nmain()")
    with pytest.raises(AssertionError, match="never awaited"):
        run(page)


def test_output_after_the_last_block_is_noticed(page: Path) -> None:
    change(page, 'word += " more"', "import atexit; atexit.register(print, word)")
    with pytest.raises(AssertionError, match="after the last block"):
        run(page)


def test_an_indented_block_is_noticed(page: Path) -> None:
    change(page, '```python\nword += " more"\n```', '  ```python\n  word += " more"\n  ```')
    with pytest.raises(AssertionError, match="indented"):
        run(page)


def test_a_block_that_is_nowhere_compiled_is_noticed(page: Path, tmp_path: Path) -> None:
    source = tmp_path / "lib.rs"
    source.write_text("fn one() {}\nfn two() {}\n")
    assert strangers(page, "rust", [source]) == []
    change(page, "fn one() {}", "fn one() -> u8 {}")
    assert [block.text for block in strangers(page, "rust", [source])] == ["fn one() -> u8 {}\n"]


def test_a_link_that_leads_nowhere_is_noticed(page: Path) -> None:
    assert dead_links(page) == ["missing.md"]

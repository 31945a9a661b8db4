"""Pages of documentation that are run: every block of Python, in order, and what it prints is compared.

All blocks of a page share one namespace, in a process of its own. A block that is fenced as ``text`` and
stands right behind one of Python is what that one prints; a block of Python without one prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from child_process import HANGS, printed

ROOT = Path(__file__).parents[3]

FENCED = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ +```", re.MULTILINE)
LINKED = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")

# Printed behind each block, and by none.
END = "\x1e"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    line: int
    """The number of its first line in the page."""
    text: str
    follows: bool
    """Whether nothing but blanks is between it and the block before."""


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return a page's fenced blocks, of all languages or of those that are named."""
    source = page.read_text(encoding="utf-8")
    assert not INDENTED.search(source), "an indented block would be neither run nor compared"
    found: list[Block] = []
    end = None
    for fenced in FENCED.finditer(source):
        follows = end is not None and not source[end : fenced.start()].strip()
        end = fenced.end()
        line = source.count("\n", 0, fenced.start("text")) + 1
        found.append(Block(fenced["language"], line, fenced["text"], follows))
    return [block for block in found if not languages or block.language in languages]


def said(page: Path) -> dict[int, list[str]]:
    """Return the lines that each block of Python prints according to the page, by the block's own line."""
    outputs: dict[int, list[str]] = {}
    python = None
    for block in blocks(page):
        if block.language == "text" and block.follows and python is not None:
            outputs[python] = block.text.splitlines()
        python = block.line if block.language == "python" else None
        if python is not None:
            outputs[python] = []
    return outputs


def run(page: Path) -> dict[int, list[str]]:
    """Run a page's blocks of Python and return what each prints, as ``said`` does.

    They have to end well, and nothing may be written to stderr.
    """
    lines = [block.line for block in blocks(page, "python")]
    with TemporaryDirectory() as folder:
        program = Path(folder, page.name)
        program.write_text("\n".join(_program(page)), encoding="utf-8")
        output = printed("", command=(str(program),))
    *outputs, rest = f"{output}\n".split(f"{END}\n")
    assert rest.strip() == "", "printed after the last block"
    return {line: text.splitlines() for line, text in zip(lines, outputs, strict=True)}


def _program(page: Path) -> list[str]:
    """Return the blocks as one program, every line at its place in the page, so that tracebacks name it."""
    # The first line is the page's title and free. A block that hangs is shown by its stack.
    program = [f"import faulthandler; faulthandler.dump_traceback_later({HANGS - 5}, exit=True)"]
    for block in blocks(page, "python"):
        program += [""] * (block.line - 1 - len(program))
        program += [*block.text.splitlines(), f"print({END!r}, flush=True)"]
    return program


def strangers(page: Path, language: str, files: Iterable[Path]) -> list[Block]:
    """Return the blocks of a language that are not, word for word, a part of one of these files."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [block for block in blocks(page, language) if not any(block.text in text for text in texts)]


def dead_links(page: Path) -> list[str]:
    """Return the targets of a page's links into the repository that do not exist."""
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    targets = [linked["target"] for linked in LINKED.finditer(prose)]
    return [target for target in targets if not (page.parent / target).exists()]

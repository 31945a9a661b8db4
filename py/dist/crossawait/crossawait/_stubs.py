"""Generated stubs made to read as one would write them: ``async def`` for what returns a coroutine.

PyO3 writes the stubs of an extension from its types. What the macros of crossawait-core make is to PyO3 a
plain function, which returns a coroutine. To a type checker that is the same, to whoever reads the stub it is
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# PyO3 numbers a name that the module has, too: ``Coroutine2``.
_ALIAS = r"import (?:.*, )?{name}(?: as (\w+))?(?:,|$)"
_COROUTINE = re.compile(r"^from collections\.abc " + _ALIAS.format(name="Coroutine"), re.MULTILINE)
_ANY = re.compile(r"^from typing " + _ALIAS.format(name="Any"), re.MULTILINE)


def rewrite(stub: str) -> str:
    """Return the text of a stub with ``async def`` in place of ``def … -> Coroutine[Any, Any, …]``."""
    coroutine, anything = _COROUTINE.search(stub), _ANY.search(stub)
    if coroutine is None or anything is None:
        return stub
    names = [coroutine[1] or "Coroutine", anything[1] or "Any"]
    returned = re.compile(
        rf"^([ \t]*)(def .*\)) -> {names[0]}\[{names[1]}, {names[1]}, (.+)\]:(.*)$", re.MULTILINE
    )
    stub = returned.sub(r"\1async \2 -> \3:\4", stub)
    return _without(_without(stub, coroutine[0], names[0]), anything[0], names[1])


def _without(stub: str, line: str, name: str) -> str:
    """Take a name that is not used any more out of the line that imports it."""
    # The first one: a stub that imports it twice needs neither, or both.
    line = next(whole for whole in stub.splitlines(keepends=True) if whole.startswith(line))
    if re.search(rf"\b{name}\b", stub.replace(line, "", 1)):
        return stub
    start, imported = line.rstrip("\n").split(" import ", 1)
    kept = [part for part in imported.split(", ") if part.split(" as ")[-1] != name]
    return stub.replace(line, f"{start} import {', '.join(kept)}\n" if kept else "", 1)


def rewrite_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Rewrite stubs where they are, those in folders too, and yield the ones that changed.

    Raises:
        OSError: a file cannot be read or written, or is not there.
        ValueError: a file is not text; the message says which.
    """
    for path in paths:
        for file in sorted(path.rglob("*.pyi")) if path.is_dir() else [path]:
            try:
                before = file.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{file} is not text in UTF-8") from error
            after = rewrite(before)
            if after != before:
                file.write_text(after, encoding="utf-8")
                yield file

"""`crossawait stubs`: what PyO3 generates, as one would write it."""

from __future__ import annotations

from pathlib import Path

from crossawait._stubs import rewrite
from site_folder import Site

# As PyO3 0.30 writes it.
GENERATED = '''\
from asyncio import Future
from collections.abc import Coroutine, Sequence
from typing import Any, SupportsIndex, final

__all__ = ["Client", "get", "sync"]

@final
class Client:
    def __anext__(self, /) -> Coroutine[Any, Any, int]: ...
    @staticmethod
    def connect(address: str = ")") -> Coroutine[Any, Any, Client]:
        """
        Make one.
        """
    def put(self, /, key: str) -> Future[None]: ...

def get(keys: Sequence[str], *args, by: SupportsIndex = 1) -> Coroutine[Any, Any, dict[str, list[int]]]: ...
def sync() -> int: ...
'''

WRITTEN = '''\
from asyncio import Future
from collections.abc import Sequence
from typing import SupportsIndex, final

__all__ = ["Client", "get", "sync"]

@final
class Client:
    async def __anext__(self, /) -> int: ...
    @staticmethod
    async def connect(address: str = ")") -> Client:
        """
        Make one.
        """
    def put(self, /, key: str) -> Future[None]: ...

async def get(keys: Sequence[str], *args, by: SupportsIndex = 1) -> dict[str, list[int]]: ...
def sync() -> int: ...
'''


def test_coroutines_become_async_functions() -> None:
    assert rewrite(GENERATED) == WRITTEN


def test_names_that_are_still_needed_stay() -> None:
    stub = (
        "from collections.abc import Coroutine as Coroutine2\n"
        "from typing import Any\n\n"
        "class Coroutine: ...\n"
        "def get(key: Any) -> Coroutine2[Any, Any, Coroutine]: ...\n"
    )
    assert rewrite(stub) == (
        "from typing import Any\n\nclass Coroutine: ...\nasync def get(key: Any) -> Coroutine: ...\n"
    )


def test_what_has_no_coroutines_stays_as_it_is() -> None:
    for stub in ["", "def get() -> int: ...\n", "from typing import Any\n\ndef get() -> Any: ...\n"]:
        assert rewrite(stub) == stub


def test_twice_is_as_good_as_once() -> None:
    once = rewrite(GENERATED)
    assert rewrite(once) == once


def test_on_the_command_line(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "stubs" / "package"
    folder.mkdir(parents=True)
    changed, same = folder / "changed.pyi", folder / "same.pyi"
    changed.write_text(GENERATED)
    same.write_text("def get() -> int: ...\n")
    result = site.python("-m", "crossawait", "stubs", str(tmp_path / "stubs"))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{changed}\n", "")
    assert changed.read_text() == WRITTEN
    assert same.read_text() == "def get() -> int: ...\n"


def test_a_stub_that_is_not_there(site: Site) -> None:
    result = site.python("-m", "crossawait", "stubs", "nowhere.pyi")
    assert result.returncode == 1
    assert "No such file or directory: 'nowhere.pyi'" in result.stderr
    assert "Traceback" not in result.stderr

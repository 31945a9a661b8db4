"""A place with nothing but crossawait in it, where a test puts runtime packages of its own and runs Python.

The runtimes here are real packages with metadata and entry points, as a third party would ship them; they are
written in Python and do no work. The interpreter runs without site-packages, so that what happens to be
installed next to crossawait has no part in a test.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

RUNTIME = '''
"""A runtime that starts, stops and remembers its options."""


class Runtime:
    def __init__(self, name=None, *, worker_threads=None, max_blocking_threads=None, thread_name=None):
        if worker_threads is not None and worker_threads < 1:
            raise ValueError(f"worker_threads must be at least 1, not {worker_threads}")
        self.name = name
        self.options = (worker_threads, max_blocking_threads, thread_name)
        self.closed = False

    def shutdown(self, timeout=5.0):
        self.closed = True


class Awaitable: ...


class Coroutine: ...
'''


class Site:
    """A folder of packages, and an interpreter that sees these and the standard library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        installed = importlib.util.find_spec("crossawait")
        assert installed is not None
        assert installed.submodule_search_locations is not None
        (source,) = installed.submodule_search_locations
        (folder / "crossawait").symlink_to(source, target_is_directory=True)

    def add(
        self,
        name: str,
        source: str = RUNTIME,
        *,
        distribution: str | None = None,
        version: str = "1.0",
    ) -> str:
        """Install a package that offers the runtime `name`; returns the name of its module."""
        distribution = distribution or f"other-{name}"
        module = f"_{distribution.replace('-', '_')}"
        (self.folder / module).mkdir()
        (self.folder / module / "__init__.py").write_text(textwrap.dedent(source))
        metadata = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[crossawait.runtimes]\n{name} = {module}\n")
        return module

    def python(self, *arguments: str, variable: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the interpreter here, with warnings as errors and CROSSAWAIT_RUNTIME set to `variable`."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("CROSSAWAIT", "PYTHON"))
        }
        environment["PYTHONPATH"] = str(self.folder)
        if variable is not None:
            environment["CROSSAWAIT_RUNTIME"] = variable
        return subprocess.run(
            [sys.executable, "-S", "-B", "-W", "error", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, code: str, *, variable: str | None = None) -> str:
        """Run code that has `crossawait` imported, and return what it printed."""
        result = self.python("-c", _with_import(code), variable=variable)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return result.stdout.rstrip("\n")

    def error(self, code: str, *, variable: str | None = None) -> str:
        """Run code that raises, and return the last line of its traceback: the exception and its message."""
        result = self.python("-c", _with_import(code), variable=variable)
        assert result.returncode == 1, result.stdout
        return result.stderr.splitlines()[-1]


def _with_import(code: str) -> str:
    return "import crossawait\n" + textwrap.dedent(code)

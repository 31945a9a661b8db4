"""Virtual environments with nothing in them, and the distributions in `dist` to put there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]
# `make` names another one for each Python that is not the one of `.venv`.
DIST = Path(os.environ.get("CROSSAWAIT_DIST") or ROOT / "dist")
PACKAGES = ("crossawait", "crossawait-tokio", "crossawait-async-std", "crossawait-smol")
RUNTIMES = ("tokio", "async-std", "smol")

# The main job over a real socket, on the default runtime.
MAIN_JOB = """
    import asyncio


    async def serve(listener):
        stream, address = await listener.accept()
        async with stream:
            await stream.write_all(b"you said " + await stream.read(1000))


    async def main():
        runtime = crossawait.runtime()
        listener = await runtime.listen("127.0.0.1", 0)
        server = asyncio.create_task(serve(listener))
        async with await runtime.connect(*listener.address) as stream:
            await stream.write_all(b"good day")
            data = await stream.read(1000)
        await server
        await listener.close()
        print(runtime.name, data.decode())


    asyncio.run(main())
"""


def wheel(package: str) -> Path:
    """Return the wheel of a package in `dist`."""
    (found,) = DIST.glob(f"{package.replace('-', '_')}-[0-9]*.whl")
    return found


def sdist(package: str) -> Path:
    """Return the source distribution of a package in `dist`."""
    (found,) = DIST.glob(f"{package.replace('-', '_')}-[0-9]*.tar.gz")
    return found


class Venv:
    """A virtual environment without pip, into which this interpreter's pip installs."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True, timeout=60
        )
        self.folder = folder
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *requirements: str | Path) -> None:
        """Install from `dist` alone."""
        result = self.pip(*requirements)
        assert result.returncode == 0, result.stderr

    def pip(self, *requirements: str | Path) -> subprocess.CompletedProcess[str]:
        """Try to install from `dist` alone; no setting of this machine has a say."""
        return self._pip(["--isolated"], ["--no-index", "--find-links", DIST, *requirements], timeout=60)

    def build(self, source: Path, *, target: Path, timeout: float) -> None:
        """Build a source distribution with what the registries have, as a user's pip does, and install it."""
        result = self._pip([], ["--no-deps", source], timeout=timeout, CARGO_TARGET_DIR=str(target))
        assert result.returncode == 0, result.stderr

    def _pip(
        self, settings: list[str], arguments: list[str | Path], *, timeout: float, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "pip", *settings, "--disable-pip-version-check"),
                *("--python", self.folder, "install", "--quiet"),
                *arguments,
            ],
            cwd=self.folder,
            # Which interpreter to build for is the virtual environment's affair, not the Makefile's.
            env={key: value for key, value in os.environ.items() if key != "PYO3_PYTHON"} | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def command(self, *command: str, variable: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, with CROSSAWAIT_RUNTIME set to `variable`."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("CROSSAWAIT", "PYTHON"))
        }
        if variable is not None:
            environment["CROSSAWAIT_RUNTIME"] = variable
        return subprocess.run(
            [self.scripts / command[0], *command[1:]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, code: str, *, variable: str | None = None) -> str:
        """Run code that has `crossawait` imported, and return what it printed."""
        result = self._python(code, variable)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return result.stdout.rstrip("\n")

    def error(self, code: str, *, variable: str | None = None) -> str:
        """Run code that raises, and return the last line of its traceback: the exception and its message."""
        result = self._python(code, variable)
        assert result.returncode == 1, result.stdout
        return result.stderr.splitlines()[-1]

    def _python(self, code: str, variable: str | None) -> subprocess.CompletedProcess[str]:
        code = "import crossawait\n" + textwrap.dedent(code)
        return self.command("python", "-W", "error", "-c", code, variable=variable)

"""A Redis server of one's own, on a free port of the loopback interface."""

from __future__ import annotations

import shutil
import socket
import subprocess
from types import TracebackType

from typing_extensions import Self

# Where there is this program (on Linux), the server ends with whoever started it, however that ends.
TIED = ("setpriv", "--pdeathsig", "TERM")

MISSING = "redis-server is not on the path; on Debian and Ubuntu: apt-get install --yes redis-server"


class RedisServer:
    """Started when entered, and stopped at the end; it keeps nothing on disk."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/"

    @staticmethod
    def version() -> str:
        """What the program says of itself."""
        said = subprocess.run([_found(), "--version"], capture_output=True, check=True, text=True).stdout
        return said.split("v=")[1].split()[0]

    def start(self) -> None:
        """Start the process, and return once it answers."""
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        tied = TIED if shutil.which(TIED[0]) else ()
        command = [*tied, _found(), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self._process = process
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        self.stop()
        raise RuntimeError(f"the server has not started: {''.join(said)}")

    def stop(self) -> None:
        """Stop the process, and return once it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.communicate(timeout=30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _found() -> str:
    path = shutil.which("redis-server")
    if path is None:
        raise FileNotFoundError(MISSING)
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

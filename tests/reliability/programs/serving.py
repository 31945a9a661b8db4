"""Has a server with two worker processes serve the application, asks it things, and stops it with SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measuring import NEVER, tell, told

WORKERS = 2

COMMANDS = {
    "gunicorn": "gunicorn --preload --workers 2 --worker-class uvicorn_worker.UvicornWorker --bind fd://{fd} "
    "--no-control-socket application:application",
    "uvicorn": "uvicorn --workers 2 --lifespan off --fd {fd} application:application",
}


def serve(name: str, when: str, server: str, listener: socket.socket) -> subprocess.Popen[bytes]:
    """Starts a server on a socket that listens already: whoever connects is served as soon as it is up."""
    command = [sys.executable, "-m", *COMMANDS[server].format(fd=listener.fileno()).split()]
    chosen = {"APPLICATION_RUNTIME": name, "APPLICATION_WHEN": when}
    return subprocess.Popen(
        command,
        cwd=Path(__file__).parent,
        env={**os.environ, **chosen},
        stdout=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
    )


def ask(port: int, number: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=NEVER)
    connection.request("GET", f"/{number}")
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def wait_for_workers(port: int, answers: list[dict[str, Any]]) -> None:
    """Asks on until both workers have answered: one that is just being born does not hear SIGTERM."""
    deadline = time.monotonic() + NEVER
    seen = {answer["process"] for answer in answers}
    while len(seen) < WORKERS and time.monotonic() < deadline:
        seen.add(ask(port, 0)["process"])


def main() -> None:
    name, requests, (when, server) = told()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = serve(name, when, server, listener)
        try:
            answers = [ask(listener.getsockname()[1], number) for number in range(requests)]
            wait_for_workers(listener.getsockname()[1], answers)
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(NEVER)
    assert status == 0, f"the server ended with {status}"
    assert process.pid not in {answer["process"] for answer in answers}
    if when == "after" and name != "tokio":
        assert all("spawn" in answer["refused"] and "child" in answer["refused"] for answer in answers)
    else:
        assert [answer.get("number") for answer in answers] == list(range(requests)), answers
    tell(refusal=max(answer.get("taken", 0.0) for answer in answers) * 1000)


main()

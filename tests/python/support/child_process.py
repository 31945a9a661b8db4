"""Python in a process of its own, with the installed packages: for what a process can try only once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any

# A child that takes longer hangs.
HANGS = 30.0


def python(
    code: str,
    *,
    environment: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    command: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run code, or the interpreter with a `command` of its own; warnings are errors."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("CROSSAWAIT")}
    variables.update(environment or {})
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-X",
            "faulthandler",
            *(command or ("-c", textwrap.dedent(code), *arguments)),
        ],
        env=variables,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def printed(code: str, **options: Any) -> str:
    """Run code that ends well and writes nothing to stderr; return what it printed."""
    result = python(code, **options)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    return result.stdout.rstrip("\n")

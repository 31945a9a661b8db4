"""The command line: ``info`` says what is installed and what would be used, ``bench`` compares it.

``stubs`` is for authors of extensions.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from crossawait import _bench as bench
from crossawait import _select
from crossawait._errors import RuntimeNotFoundError
from crossawait._stubs import rewrite_files
from crossawait._version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 0 or 1. Wrong usage is a SystemExit with 2."""
    parser = argparse.ArgumentParser(
        prog="crossawait",
        description="One awaitable, any Rust runtime: see what is installed, and compare it.",
    )
    parser.add_argument("--version", action="version", version=f"crossawait {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    info = commands.add_parser(
        "info",
        help="show the versions, the installed runtimes and which one is the default",
        description="Show the versions, the installed runtimes and which one is the default. Exits with 1 if"
        " the runtime chosen by the environment, or by the order of preference, cannot be used.",
    )
    info.set_defaults(command=_info)
    comparison = commands.add_parser(
        "bench",
        help="compare the installed runtimes with each other and with asyncio, on this machine",
        description="Compare the installed runtimes, on each installed event loop, with each other and with"
        " the loop by itself, in rounds that take turns. Takes some minutes, and is worth something only"
        f" alone on the machine. Needs more packages: {bench.EXTRA}",
    )
    comparison.add_argument(
        "--quick",
        action="store_true",
        help="less of everything, on asyncio and uvloop alone: two minutes at most",
    )
    comparison.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME",
        help="only workloads of this name; * and ? stand for what is left out; may be given again",
    )
    comparison.add_argument(
        "--runtime", action="append", default=[], metavar="NAME", help="only this runtime; may be given again"
    )
    comparison.add_argument(
        "--loop", action="append", default=[], metavar="NAME", help="only this event loop; may be given again"
    )
    comparison.add_argument("--json", type=Path, metavar="FILE", help="write every sample to a file")
    comparison.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")
    comparison.add_argument(
        "--compare", type=Path, metavar="FILE", help="say what has changed since an older --json"
    )
    comparison.set_defaults(command=_bench)
    stubs = commands.add_parser(
        "stubs",
        help="have the generated stubs of an extension say `async def`",
        description="Rewrite stubs that PyO3 has generated: functions that return a coroutine become"
        " `async def`. Says which files it changed.",
    )
    stubs.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a stub, or a folder with stubs")
    stubs.set_defaults(command=_stubs)
    options = parser.parse_args(arguments)
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _bench(options: argparse.Namespace) -> int:
    asked = bench.Options(
        quick=options.quick,
        patterns=options.filter,
        runtimes=options.runtime,
        loops=options.loop,
        json=options.json,
        html=options.html,
        compare=options.compare,
    )
    try:
        bench.run(asked)
    except (bench.BenchError, OSError) as error:
        print(f"crossawait bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # What was measured so far stands above.
        return 130
    return 0


def _stubs(options: argparse.Namespace) -> int:
    try:
        for path in rewrite_files(options.paths):
            print(path)
    except (OSError, ValueError) as error:
        print(f"crossawait stubs: {error}", file=sys.stderr)
        return 1
    return 0


def _info(_options: argparse.Namespace) -> int:
    _print_table(
        [
            ("crossawait", __version__),
            ("python", _python()),
            ("platform", platform.platform()),
            ("executable", sys.executable),
        ]
    )
    print("\nruntimes, in order of preference (others follow by name):")
    _print_table(_runtimes(), indent="  ")

    variable = os.environ.get(_select.VARIABLE, "")
    setting = f'set to "{variable}"' if variable else "not set"
    print(f"\n{_select.VARIABLE} is {setting}")
    try:
        default = _select.choose(None)
        _select.load(default)
    except RuntimeNotFoundError as error:
        print(f"default: {error}")
        # An installation without any runtime is whole; one whose environment asks for what is not there is
        # not.
        return 1 if variable else 0
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, telling is the job
        print(f"default: {_reason(error)}")
        return 1
    print(f"default: {default}")
    return 0


def _python() -> str:
    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    return f"{platform.python_implementation()} {platform.python_version()}, {build}"


def _runtimes() -> Iterator[tuple[str, str, str]]:
    """Yield name, version and state of each runtime of ours, and of every other one that is installed."""
    installed = _select.installed()
    for name in sorted({*_select.PREFERENCE, *installed}, key=_select.preference):
        if name not in installed:
            yield name, "-", f'not installed: pip install "crossawait[{name}]"'
            continue
        version = _select.version(installed[name][0]) or "?"
        try:
            module = _select.load(name)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, telling is the job
            yield name, version, f"broken: {_reason(error)}"
        else:
            yield name, version, f"ready ({module.__name__})"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _print_table(rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]], indent: str = "") -> None:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print(indent + "  ".join([*cells, row[-1]]))

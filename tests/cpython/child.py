"""Runs one suite of the interpreter's own in this process, and writes down what becomes of each test.

The report is a file of JSON lines, written as things happen: when a test kills the process or hangs, it tells
which one did and which were still to come.
"""

from __future__ import annotations

import argparse
import json
import unittest
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cases
import replacing
import suites
from recording import Recorder


def parse() -> argparse.Namespace:
    """Returns the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help=f"a module of {suites.PACKAGE}")
    parser.add_argument("--replaced", required=True, choices=(suites.CLASS, suites.CREATE_FUTURE))
    parser.add_argument("--package", help="the package whose Awaitable takes part; without, asyncio's Future")
    parser.add_argument("--loop", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--seconds-per-test", type=float, required=True)
    parser.add_argument("--tests", type=Path, help="a JSON file of test ids: run these only")
    return parser.parse_args()


def load(options: argparse.Namespace) -> list[unittest.TestCase]:
    """Returns the tests that are asked for."""
    if options.replaced == suites.CLASS:
        loaded = cases.load(options.module, replacing.awaitable_class(options.package))
    else:
        loaded = unittest.defaultTestLoader.loadTestsFromName(f"{suites.PACKAGE}.{options.module}")
    tests = list(flatten(loaded))
    if options.tests is not None:
        wanted = set(json.loads(options.tests.read_text(encoding="utf-8")))
        tests = [test for test in tests if test.id() in wanted]
    return tests


def flatten(tests: Iterable[Any]) -> Iterator[unittest.TestCase]:
    """Yields the single tests of nested suites."""
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main() -> None:
    """Runs the suite."""
    options = parse()
    with options.report.open("w", buffering=1, encoding="utf-8") as report:

        def write(**line: Any) -> None:
            print(json.dumps(line), file=report)

        package = None if options.replaced == suites.CLASS else options.package
        made = replacing.replace_create_future(options.loop, package)
        tests = load(options)
        write(planned=[test.id() for test in tests])
        unittest.TestSuite(tests).run(Recorder(write, options.seconds_per_test))
        write(made=made())


# Some tests start processes that import this file again.
if __name__ == "__main__":
    main()

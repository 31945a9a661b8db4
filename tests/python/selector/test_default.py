"""The process-wide default runtime: chosen once, started once, over again after a shutdown or a fork."""

from __future__ import annotations

import os

import pytest

from site_folder import RUNTIME, Site

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_it_starts_at_the_first_use_and_stays(site: Site) -> None:
    site.add("tokio", 'print("imported")\n' + RUNTIME)
    code = """
        print("nothing yet")
        first = crossawait.runtime()
        print(crossawait.runtime() is first, crossawait.use() is first)
    """
    assert site.run(code).splitlines() == ["nothing yet", "imported", "True True"]


def test_the_options_of_use_reach_the_runtime_and_those_left_out_do_not(site: Site) -> None:
    site.add("smol")
    code = """
        print(crossawait.use("smol", worker_threads=2, thread_name="worker").options)
        print(crossawait.Runtime("smol", max_blocking_threads=9).options)
    """
    assert site.run(code).splitlines() == ["(2, None, 'worker')", "(None, 9, None)"]


@pytest.mark.parametrize(
    "again",
    [
        "crossawait.runtime()",
        "crossawait.use()",
        'crossawait.use("smol")',
        "crossawait.use(worker_threads=2)",
        'crossawait.use("smol", worker_threads=2)',
    ],
)
def test_use_may_be_repeated(site: Site, again: str) -> None:
    site.add("tokio")
    site.add("smol")
    assert site.run(f'print(crossawait.use("smol", worker_threads=2) is {again})') == "True"


@pytest.mark.parametrize(
    "other",
    [
        'crossawait.use("tokio")',
        'crossawait.use("smol", worker_threads=3)',
        'crossawait.use(thread_name="worker")',
        "crossawait.use(worker_threads=2, max_blocking_threads=1)",
    ],
)
def test_use_of_something_else_after_the_start_is_a_runtime_error(site: Site, other: str) -> None:
    site.add("tokio")
    site.add("smol")
    error = site.error(f'crossawait.use("smol", worker_threads=2)\n{other}')
    assert error.startswith(
        'RuntimeError: the default runtime is started already: "smol", worker_threads=2; '
    )


def test_use_after_runtime_is_too_late_for_another(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    error = site.error('crossawait.runtime()\ncrossawait.use("smol")')
    assert error == (
        'RuntimeError: the default runtime is started already: "tokio"; call use("smol") before its first'
        ' use, or start one of your own: crossawait.Runtime("smol")'
    )


def test_a_choice_that_fails_changes_nothing(site: Site) -> None:
    site.add("tokio")
    code = """
        for arguments in ({"name": "smol"}, {"worker_threads": 0}):
            try:
                crossawait.use(**arguments)
            except (ImportError, ValueError):
                print(crossawait.runtime().name, crossawait.runtime().options)
                crossawait.runtime().shutdown()
    """
    assert site.run(code).splitlines() == ["tokio (None, None, None)"] * 2


def test_after_a_shutdown_the_same_choice_starts_afresh(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    code = """
        first = crossawait.use("smol", worker_threads=2)
        first.shutdown()
        second = crossawait.runtime()
        print(second is first, second.closed, second.name, second.options)
    """
    assert site.run(code) == "False False smol (2, None, None)"


def test_after_a_shutdown_another_choice_is_free(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    code = """
        crossawait.use("smol", worker_threads=2).shutdown()
        print(crossawait.use("tokio").options, crossawait.runtime().name)
    """
    assert site.run(code) == "(None, None, None) tokio"


def test_a_runtime_of_your_own_is_apart_and_takes_the_chosen_kind(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    code = """
        default = crossawait.use("smol", worker_threads=2)
        own = crossawait.Runtime()
        print(own is default, own.name, own.options)
        own.shutdown()
        print(crossawait.runtime() is default, crossawait.Runtime("tokio").name)
    """
    assert site.run(code).splitlines() == ["False smol (None, None, None)", "True tokio"]


COUNTED = """
import time

starts = []
start = Runtime.__init__


def count_and_start(self, *arguments, **options):
    starts.append(self)
    for _ in range(100):
        time.sleep(0)  # gives the other threads every chance to start one too
    start(self, *arguments, **options)


Runtime.__init__ = count_and_start
"""


def test_many_threads_at_once_start_one_runtime(site: Site) -> None:
    module = site.add("tokio", RUNTIME + COUNTED)
    code = f"""
        import threading

        THREADS = 8
        coming = threading.Barrier(THREADS)
        runtimes = []

        def first_use():
            coming.wait()
            runtimes.append(crossawait.runtime())

        threads = [threading.Thread(target=first_use) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        import {module} as module
        print(len(runtimes), set(map(id, runtimes)) == set(map(id, module.starts)), len(module.starts))
    """
    assert site.run(code) == "8 True 1"


@forks
def test_a_forked_child_starts_afresh_with_the_same_choice(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    code = """
        import os, sys

        inherited = crossawait.use("smol", worker_threads=2)
        child = os.fork()
        if child == 0:
            fresh = crossawait.runtime()
            print("child:", fresh is inherited, fresh.name, fresh.options, inherited.closed, flush=True)
            os._exit(0)
        print("status:", os.waitpid(child, 0)[1], flush=True)
        print("parent:", crossawait.runtime() is inherited)
    """
    assert site.run(code).splitlines() == [
        "child: False smol (2, None, None) False",
        "status: 0",
        "parent: True",
    ]


@forks
def test_a_forked_child_may_choose_anew(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    code = """
        import os

        crossawait.use("smol", worker_threads=2)
        child = os.fork()
        if child == 0:
            print(crossawait.use("tokio").name, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    """
    assert site.run(code) == "tokio"


LOUD = """
Runtime.__del__ = lambda self: print("taken apart:", self.name, flush=True)
"""


@forks
def test_what_a_child_inherits_is_never_taken_apart(site: Site) -> None:
    site.add("tokio", RUNTIME + LOUD)
    code = """
        import gc, os

        crossawait.Runtime().name = "own"
        crossawait.runtime().name = "inherited"
        child = os.fork()
        if child == 0:
            crossawait.runtime().name = "fresh"
            gc.collect()
            os._exit(0)
        os.waitpid(child, 0)
        os._exit(0)
    """
    assert site.run(code) == "taken apart: own"


@forks
def test_a_fork_while_another_thread_is_starting_a_runtime_does_not_block_the_child(site: Site) -> None:
    site.add("tokio", "import builtins\nbuiltins.importing.set()\nbuiltins.forked.wait()\n" + RUNTIME)
    site.add("smol")
    code = """
        import builtins, os, threading, warnings

        # CPython warns of every fork with threads; that there are some is the point here.
        warnings.simplefilter("ignore", DeprecationWarning)
        builtins.importing, builtins.forked = threading.Event(), threading.Event()
        other = threading.Thread(target=crossawait.use, args=("tokio",))
        other.start()
        importing.wait()
        child = os.fork()
        if child == 0:
            print("child:", crossawait.use("smol").name, flush=True)
            os._exit(0)
        print("status:", os.waitpid(child, 0)[1], flush=True)
        forked.set()
        other.join()
        print("parent:", crossawait.runtime().name)
    """
    assert site.run(code).splitlines() == ["child: smol", "status: 0", "parent: tokio"]

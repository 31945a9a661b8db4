"""The comparison notices what is wrong, and a profile is read as callgrind writes it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def load(name: str) -> Any:
    """Import a module that lies beside this, and that nothing has put on the path."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


baselines, callgrind = load("baselines"), load("callgrind")


def counted(
    python: str = "3.11.7 (GCC 10)", rustc: str = "rustc 1.95.0", **counts: tuple[float, float]
) -> Any:
    named = {name: {"total": total, "own": own} for name, (total, own) in counts.items()}
    return {"python": python, "rustc": rustc, "counts": named}


KNOWN = counted(gather=(20_000, 3_000), settled=(400, 60))


def test_the_same_counts_pass_without_a_word() -> None:
    assert baselines.judge(KNOWN, KNOWN) == ([], [])


@pytest.mark.parametrize("gather", [(20_999, 3_149), (19_001, 2_851)])
def test_what_is_within_five_percent_passes(gather: tuple[int, int]) -> None:
    assert baselines.judge(counted(gather=gather, settled=(400, 60)), KNOWN) == ([], [])


def test_more_than_five_percent_in_all_fails() -> None:
    failures, hints = baselines.judge(counted(gather=(21_001, 3_000), settled=(400, 60)), KNOWN)
    assert failures == ["gather: 21,001 instructions in all, +5.0% to the baseline's 20,000"]
    assert hints == []


def test_more_than_five_percent_of_the_librarys_own_fails_however_large_the_rest_is() -> None:
    (failure,), _ = baselines.judge(counted(gather=(20_200, 3_200), settled=(400, 60)), KNOWN)
    assert failure == "gather: 3,200 instructions of the library's own, +6.7% to the baseline's 3,000"


def test_less_is_a_hint_that_says_how_to_keep_it() -> None:
    failures, (hint,) = baselines.judge(counted(gather=(20_000, 2_000), settled=(400, 60)), KNOWN)
    assert failures == []
    assert hint.endswith(f"-33.3% to the baseline's 3,000; keep it: {baselines.ACCEPT}")


def test_another_build_of_the_interpreter_is_held_to_the_librarys_own_only() -> None:
    elsewhere = counted("3.11.9 (GCC 13)", gather=(30_000, 3_000), settled=(400, 60))
    failures, (hint,) = baselines.judge(elsewhere, KNOWN)
    assert failures == []
    assert "3.11.9 (GCC 13)" in hint
    slower = counted("3.11.9 (GCC 13)", gather=(30_000, 4_000), settled=(400, 60))
    assert len(baselines.judge(slower, KNOWN).failures) == 1


def test_a_failure_names_another_compiler() -> None:
    slower = counted(rustc="rustc 1.99.0", gather=(20_000, 4_000), settled=(400, 60))
    assert any("rustc 1.99.0" in failure for failure in baselines.judge(slower, KNOWN).failures)


def test_what_has_come_or_gone_fails() -> None:
    gone = baselines.judge(counted(gather=(20_000, 3_000)), KNOWN)
    assert gone.failures == ["settled: is in the baseline, and was not counted"]
    come = baselines.judge(KNOWN, counted(gather=(20_000, 3_000)))
    assert come.failures == ["settled: there is no baseline for it"]


def test_what_asyncio_does_by_itself_is_not_judged() -> None:
    more: Any = {"asyncio: gather": (99, 0)}
    assert baselines.judge(counted(**more), counted()) == ([], [])


def test_an_executor_behind_a_pointer_may_cost_five_percent_more() -> None:
    def spawning(dyn: int) -> Any:
        counts: Any = {baselines.STATIC: (10_000, 1_000), baselines.DYN: (10_400, dyn)}
        return baselines.judge(counted(**counts), counted(**counts))

    assert spawning(1_010) == ([], ["an executor behind a pointer costs +0.10%"])
    assert spawning(1_600) == (["an executor behind a pointer costs +6.00%"], [])


def test_baselines_go_by_minor_version_and_processor() -> None:
    assert baselines.key_of("3.11.7 (main) [GCC 10]", "x86_64") == "3.11 x86_64"


PROFILE = """\
# callgrind format
events: Instructions

ob=(1) /somewhere/program
fl=(1) /crate/src/task.rs
fn=(1) task::poll
12 100
fi=(2) /crate/src/task/header.rs
+3 20
fe=(1)
-1 3
cob=(2) /lib/libpython3.so
cfi=(3) object.c
cfn=(2) PyObject_Call
calls=2 40
* 5000
15 7

ob=(2)
fl=(3)
fn=(2)
40 5000
fn=(1)
1 1

totals: 5131
"""


def test_a_profile_is_added_up_without_what_was_called() -> None:
    place = callgrind.Place
    assert callgrind.read(PROFILE) == {
        place("/somewhere/program", "/crate/src/task.rs", "task::poll"): 110,
        place("/somewhere/program", "/crate/src/task/header.rs", "task::poll"): 20,
        place("/lib/libpython3.so", "object.c", "PyObject_Call"): 5000,
        place("/lib/libpython3.so", "object.c", "task::poll"): 1,
    }

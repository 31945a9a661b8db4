"""The virtual base classes, the exceptions and the metrics, as far as they need no compiled code."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

import crossawait
from site_folder import RUNTIME, Site

NAMES = ["Runtime", "Awaitable", "Coroutine", "Stream", "Listener"]


def test_the_classes_of_a_runtime_are_registered_when_it_is_loaded(site: Site) -> None:
    module = site.add("compio", RUNTIME + "\nclass Stream: ...\n")
    code = f"""
        import {module} as module
        names = ["Runtime", "Awaitable", "Coroutine", "Stream"]
        pairs = [(getattr(module, name), getattr(crossawait, name)) for name in names]
        print([issubclass(compiled, virtual) for compiled, virtual in pairs])
        print(isinstance(crossawait.Runtime("compio"), crossawait.Runtime))
        print([issubclass(compiled, virtual) for compiled, virtual in pairs])
        print(isinstance(module.Stream(), crossawait.Listener))
    """
    assert site.run(code).splitlines() == [str([False] * 4), "True", str([True] * 4), "False"]


def test_a_runtime_is_the_compiled_object_itself(site: Site) -> None:
    module = site.add("compio")
    code = f"import {module}\nprint(type(crossawait.Runtime()) is {module}.Runtime)"
    assert site.run(code) == "True"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Runtime"])
def test_a_virtual_base_class_makes_no_instance(name: str) -> None:
    with pytest.raises(TypeError, match=f"crossawait.{name} is a virtual base class"):
        getattr(crossawait, name)()


@pytest.mark.parametrize("name", ["Awaitable", "Coroutine"])
def test_a_generic_class_takes_a_type(name: str) -> None:
    assert getattr(crossawait, name)[int].__args__ == (int,)


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_is_documented(name: str) -> None:
    virtual = getattr(crossawait, name)
    assert virtual.__doc__
    members = {
        member: value
        for base in virtual.__mro__
        if base.__module__.startswith("crossawait")
        for member, value in vars(base).items()
    }
    assert [member for member, value in members.items() if member[0] != "_" and not value.__doc__] == []


def test_the_exceptions_are_caught_as_what_they_are() -> None:
    assert issubclass(crossawait.RuntimeNotFoundError, ImportError)
    assert issubclass(crossawait.RuntimeClosedError, RuntimeError)
    assert issubclass(crossawait.RustPanic, Exception)


@pytest.mark.parametrize(
    ("location", "text"), [(None, "out of cheese"), ("src/lib.rs:7:9", "out of cheese (at src/lib.rs:7:9)")]
)
def test_a_panic_has_message_and_location_and_keeps_them(location: str | None, text: str) -> None:
    panic = crossawait.RustPanic("out of cheese", location)
    for same in (panic, copy.copy(panic), pickle.loads(pickle.dumps(panic))):
        assert (same.message, same.location, str(same)) == ("out of cheese", location, text)


def metrics(*, wakes: int, completions: int) -> crossawait.Metrics:
    return crossawait.Metrics(
        runtime="tokio",
        worker_threads=2,
        tasks_spawned=9,
        tasks_settled=8,
        tasks_pending=1,
        blocking_calls=0,
        wakes=wakes,
        batches=wakes,
        completions=completions,
    )


def test_metrics_count_completions_per_wake() -> None:
    assert metrics(wakes=0, completions=0).completions_per_wake == 0.0
    assert metrics(wakes=4, completions=6).completions_per_wake == 1.5


def test_metrics_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        metrics(wakes=1, completions=1).wakes = 2  # type: ignore[misc]

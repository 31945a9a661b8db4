"""CPython's test cases for `asyncio.Future`, with our class in its place.

The cases are those of the running interpreter. Each is subclassed, and the attribute that says which class it
judges is ours; nothing of them is repeated here, so a new interpreter's new tests take part by themselves.
"""

from __future__ import annotations

import importlib
import unittest
from collections.abc import Coroutine, Iterator
from types import ModuleType
from typing import Any, TypeAlias

Case: TypeAlias = type[unittest.TestCase]

# They want more of the class than a future is: the context in which a task steps its coroutine.
ABOUT_TASKS = {"test_task_exc_handler_correct_context"}


def load(module_name: str, awaitable: type[Any]) -> unittest.TestSuite:
    """Returns the cases of one of the modules in `DERIVE`, for the class `awaitable`."""
    module = importlib.import_module(f"test.test_asyncio.{module_name}")
    names = unittest.defaultTestLoader.getTestCaseNames
    return unittest.TestSuite(
        case(name)
        for case in DERIVE[module_name](module, awaitable)
        for name in names(case)
        if name not in ABOUT_TASKS
    )


def from_test_futures(module: ModuleType, awaitable: type[Any]) -> Iterator[Case]:
    """Yields the cases for the class itself, and for one that inherits from it."""

    class DerivedAwaitable(awaitable):  # type: ignore[misc]
        """As somebody's own."""

    for case in cases_for_c(module):
        for future_class in (awaitable, DerivedAwaitable):
            if hasattr(case, "cls"):
                yield derive(case, future_class, cls=future_class)
            elif hasattr(case, "_get_future_cls"):
                yield derive(case, future_class, _get_future_cls=returning(future_class))
            else:
                yield derive(case, future_class, _new_future=making(future_class))


def from_test_futures2(module: ModuleType, awaitable: type[Any]) -> Iterator[Case]:
    """Yields the cases that make a task of a coroutine: ours is settled with the same outcome."""

    def settled_by(coroutine: Coroutine[Any, Any, Any]) -> Any:
        future = awaitable()
        try:
            coroutine.send(None)
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        else:
            raise AssertionError("only a task can wait for a coroutine that waits")
        return future

    for case in cases_for_c(module):
        yield derive(case, awaitable, cls=staticmethod(settled_by))


def from_test_tasks(module: Any, awaitable: type[Any]) -> Iterator[Case]:
    """Yields the cases in which a task, of either kind, waits for futures that are not its base class."""
    for case in cases_in(module):
        if case.__name__ in ("CTask_PyFuture_Tests", "PyTask_CFuture_Tests"):
            yield derive(case, awaitable, Future=awaitable)
            # What is under test then is a subclass that the module derives from the class given.
            yield module.add_subclass_tests(derive(case, awaitable, "derived", Future=awaitable))


DERIVE = {
    "test_futures": from_test_futures,
    "test_futures2": from_test_futures2,
    "test_tasks": from_test_tasks,
}


def cases_for_c(module: ModuleType) -> list[Case]:
    """Returns the cases that judge the class written in C. They ask more than those for the Python one."""
    names = [(case.__name__, case) for case in cases_in(module)]
    return [case for name, case in names if name.startswith("C") and not name.startswith("CSub")]


def cases_in(module: ModuleType) -> list[Case]:
    """Returns the test cases that a module defines."""
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    return [value for value in classes if issubclass(value, unittest.TestCase)]


def derive(case: Case, future_class: type[Any], *words: str, **attributes: Any) -> Case:
    """Returns a subclass of `case` with other attributes, named after the class that it judges."""
    name = "_".join([case.__name__, future_class.__name__, *words])
    derived: Case = type(name, (case,), {"__module__": __name__, **attributes})
    return derived


def returning(future_class: type[Any]) -> Any:
    """Returns a method that returns `future_class`."""
    return lambda _self: future_class


def making(future_class: type[Any]) -> Any:
    """Returns a method that makes an instance of `future_class` on the test's loop."""
    return lambda self: future_class(loop=self.loop)

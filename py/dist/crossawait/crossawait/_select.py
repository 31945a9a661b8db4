"""The selector: which runtimes are installed, which one is meant, and how it is loaded.

A runtime is a package with an entry point in the group ``crossawait.runtimes``: the entry point's name is the
runtime's, its value a module with the classes ``Runtime``, ``Awaitable`` and ``Coroutine``, and, if it has
sockets, ``Stream`` and ``Listener``. A ``__version__`` there is the version of crossawait that the module is
made for.

Nothing is tried behind the user's back: if the runtime that is meant does not load, that is an error with the
runtime's own reason, and never a cause to take another one.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from crossawait._errors import RuntimeNotFoundError
from crossawait._types import Runtime, register
from crossawait._version import __version__

GROUP = "crossawait.runtimes"
VARIABLE = "CROSSAWAIT_RUNTIME"
PREFERENCE = ("tokio", "smol", "async-std")

# Spellings of one name: the crate is `async-std`, its module `async_std`, and pip knows the extra as
# `asyncstd` too.
ALIASES = {"asyncstd": "async-std", "async_std": "async-std"}

REQUIRED = ("Runtime", "Awaitable", "Coroutine")

_loaded: dict[str, Any] = {}


def available() -> tuple[str, ...]:
    """Return the names of the installed runtimes, in order of preference.

    The order is tokio, smol, async-std, then others by name.

    Nothing is imported: one that is installed and broken is listed, and says what is wrong when it is used.
    """
    return tuple(installed())


def installed() -> dict[str, list[EntryPoint]]:
    """Return the entry points of each runtime, in order of preference; more than one is a conflict."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return {name: found[name] for name in sorted(found, key=preference)}


def preference(name: str) -> tuple[int, str]:
    """Return the sorting key of a runtime's name."""
    return (PREFERENCE.index(name) if name in PREFERENCE else len(PREFERENCE), name)


def canonical(name: str) -> str:
    """Return the one spelling of a runtime's name."""
    if not isinstance(name, str):
        raise TypeError(f"a runtime's name is a string, not {type(name).__name__}")
    return ALIASES.get(name, name)


def choose(name: str | None) -> str:
    """Return the name that is meant: ``name``, else the environment's, else the first in order."""
    if name is not None:
        return _present(canonical(name))
    variable = os.environ.get(VARIABLE, "").strip()
    if variable:
        return _present(canonical(variable), asked_by=f"{VARIABLE}: ")
    for first in installed():
        return first
    raise RuntimeNotFoundError(f"no runtime is installed; install one with: {_command(PREFERENCE[0])}")


def load(name: str) -> Any:
    """Import the module of an installed runtime, check it and register its classes.

    Raises:
        ImportError: two packages offer the name, the version is wrong, or a class is missing.
        Exception: whatever the import itself raises.
    """
    if name in _loaded:
        return _loaded[name]
    entries = installed()[name]
    if len(entries) > 1:
        packages = ", ".join(sorted(distribution(entry) or entry.value for entry in entries))
        raise ImportError(
            f'several packages offer the runtime "{name}": {packages}; uninstall all but one', name=name
        )
    entry = entries[0]
    if _is_ours(entry):
        # Before the import: a package of another version may well fail in it, and would hide the reason.
        _check_version(name, version(entry))
    module = entry.load()
    _check_version(name, getattr(module, "__version__", None))
    missing = [required for required in REQUIRED if not hasattr(module, required)]
    if missing:
        raise ImportError(f'the runtime "{name}" ({entry.value}) lacks {", ".join(missing)}', name=name)
    register(module)
    _loaded[name] = module
    return module


def start(name: str | None, options: dict[str, Any]) -> Runtime:
    """Start the runtime that is meant."""
    name = choose(name)
    started: Runtime = load(name).Runtime(name, **options)
    return started


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, that is, are not None."""
    return {option: value for option, value in options.items() if value is not None}


def distribution(entry: EntryPoint) -> str | None:
    """Return the name of the package that an entry point comes from."""
    return entry.dist.name if entry.dist is not None else None


def version(entry: EntryPoint) -> str | None:
    """Return the version of the package that an entry point comes from."""
    return entry.dist.version if entry.dist is not None else None


def not_found(name: str) -> str:
    """Say that a runtime is not installed, and what to type."""
    found = ", ".join(installed()) or "none"
    missing = f'runtime "{name}" is not installed (found: {found})'
    if name in PREFERENCE:
        return f"{missing}; install it with: {_command(name)}"
    return (
        f"{missing}; crossawait's own are {', '.join(PREFERENCE)}, any other comes with a package of its own"
    )


def _present(name: str, asked_by: str = "") -> str:
    if name not in installed():
        raise RuntimeNotFoundError(asked_by + not_found(name), name=name)
    return name


def _command(extra: str) -> str:
    return f'pip install "crossawait[{extra}]"'


def _is_ours(entry: EntryPoint) -> bool:
    """Tell our own packages, whose version is this one's, from other people's, which count for themselves."""
    package = distribution(entry)
    return package is not None and re.sub(r"[-_.]+", "-", package).lower() == f"crossawait-{entry.name}"


def _check_version(name: str, found: str | None) -> None:
    if found is None or found == __version__:
        return
    advice = f'; install both together with: pip install "crossawait[{name}]=={__version__}"'
    raise ImportError(
        f'the runtime "{name}" is made for crossawait {found}, and this is crossawait {__version__}'
        + (advice if name in PREFERENCE else ""),
        name=name,
    )

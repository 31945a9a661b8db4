"""Wheels that are not what they should be, made from the good ones in `dist`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from clean_venv import wheel

Change = Callable[[str, bytes], tuple[str, bytes]]


def with_version(package: str, version: str, folder: Path) -> Path:
    """Make a wheel that says it is of another version; compiled code in it is left as it is."""
    good = wheel(package)
    project, old = good.name.split("-")[:2]

    def change(name: str, content: bytes) -> tuple[str, bytes]:
        if name.startswith(f"{project}-{old}.dist-info/") or name.endswith("/_version.py"):
            content = content.replace(old.encode(), version.encode())
        return name.replace(f"{project}-{old}", f"{project}-{version}"), content

    return _rewrite(good, folder / good.name.replace(f"-{old}-", f"-{version}-", 1), change)


def with_broken_library(package: str, folder: Path) -> Path:
    """Make a wheel whose compiled library is none."""
    good = wheel(package)

    def change(name: str, content: bytes) -> tuple[str, bytes]:
        return name, b"no library at all" if name.endswith((".so", ".pyd")) else content

    return _rewrite(good, folder / good.name, change)


def _rewrite(good: Path, target: Path, change: Change) -> Path:
    """Copy a wheel with every file changed, and a list of files that holds without checksums."""
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(target, "w") as wheel_file:
        names = []
        for member in source.namelist():
            name, content = change(member, source.read(member))
            if not name.endswith(".dist-info/RECORD"):
                wheel_file.writestr(name, content)
            names.append(name)
        (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
        wheel_file.writestr(record, "".join(f"{name},,\n" for name in names))
    return target

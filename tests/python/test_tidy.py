"""What tools do not check: that numbers, notices and rules that stand in several places stay in step."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

ROOT = Path(__file__).parents[2]
RUNTIMES = ("tokio", "async-std", "smol")
CRATES_WITHOUT_UNSAFE = ("macros", "rt-tokio", "rt-asyncstd", "rt-smol", "py")

MOST_LINES = 400
# Written by tools or by lawyers.
ANY_LENGTH = ("Cargo.lock", ".json", "LICENSE-APACHE")
PICTURES = {".png"}
# Where the syntax asks for tabs.
TABS = {"Makefile", "proofs.mk"}


def toml(path: str) -> dict[str, Any]:
    return tomli.loads((ROOT / path).read_text())


VERSION: str = toml("Cargo.toml")["workspace"]["package"]["version"]


def files() -> list[Path]:
    """Return every file that git tracks, or would if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def texts() -> list[tuple[str, str]]:
    """Return the name and the text of every such file, except for pictures."""
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in files()
        if path.suffix not in PICTURES
    ]


def lines(keep: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return the place and the text of each line of the files whose names match."""
    return [
        (f"{name}:{number}", line)
        for name, text in texts()
        if keep.search(name)
        for number, line in enumerate(text.splitlines(), start=1)
    ]


def test_every_crate_takes_the_version_of_the_workspace() -> None:
    for member in toml("Cargo.toml")["workspace"]["members"]:
        assert toml(f"{member}/Cargo.toml")["package"]["version"] == {"workspace": True}, member


def test_crates_pin_each_other_at_this_version() -> None:
    dependencies = toml("Cargo.toml")["workspace"]["dependencies"]
    pins = {name: pin["version"] for name, pin in dependencies.items() if "path" in pin}
    assert pins
    assert set(pins.values()) == {VERSION}


def test_the_pure_package_has_this_version_and_pins_the_runtimes_at_it() -> None:
    project = toml("py/dist/crossawait/pyproject.toml")["project"]
    assert project["version"] == VERSION
    pins = {name: f"crossawait-{name}=={VERSION}" for name in RUNTIMES}
    assert project["optional-dependencies"] == {
        **{name: [pin] for name, pin in pins.items()},
        "asyncstd": [pins["async-std"]],
        "all": list(pins.values()),
        "bench": project["optional-dependencies"]["bench"],
    }
    module = ast.parse((ROOT / "py/dist/crossawait/crossawait/_version.py").read_text())
    (assignment,) = (node for node in module.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(assignment.value) == VERSION


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_takes_the_version_of_its_crate_and_pins_the_pure_package(name: str) -> None:
    project = toml(f"py/dist/{name}/pyproject.toml")["project"]
    assert project["dynamic"] == ["version"]
    assert project["dependencies"] == [f"crossawait=={VERSION}"]


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == VERSION


@pytest.mark.parametrize("licence", ["LICENSE-MIT", "LICENSE-APACHE"])
@pytest.mark.parametrize("package", ["crossawait", *RUNTIMES])
def test_each_package_carries_the_licences(package: str, licence: str) -> None:
    # Copies and not links: a checkout on Windows turns links into files that hold a path.
    assert (ROOT / "py/dist" / package / licence).read_bytes() == (ROOT / licence).read_bytes()


def test_the_runtimes_packages_differ_in_nothing_but_the_name() -> None:
    # The workspace builds all three from one crate; what little each has of its own must not drift apart.
    packages = set()
    for name in RUNTIMES:
        module = f"_crossawait_{name.replace('-', '_')}"
        folder = ROOT / "py/dist" / name
        own = [folder / "pyproject.toml", folder / "README.md", *sorted((folder / module).glob("*.py*"))]
        text = "".join(path.read_text() for path in own)
        packages.add(re.sub(r"\s+", " ", text.replace(module, "MODULE").replace(name, "NAME")))
    assert len(packages) == 1


def test_no_file_is_long() -> None:
    long = [
        name
        for name, text in texts()
        if len(text.splitlines()) > MOST_LINES and not name.endswith(ANY_LENGTH)
    ]
    assert long == []


def test_no_line_has_tabs_or_ends_in_blanks_and_every_file_ends_in_a_line() -> None:
    places = lines(re.compile(""))
    assert [place for place, line in places if line != line.rstrip()] == []
    tabs = [place for place, line in places if "\t" in line]
    assert [place for place in tabs if place.split(":")[0].rsplit("/", 1)[-1] not in TABS] == []
    assert [name for name, text in texts() if text and not text.endswith("\n")] == []


def test_no_file_names_a_place_on_this_machine() -> None:
    places = {str(place) for place in (ROOT, Path.home(), sys.prefix, sys.base_prefix)}
    # A home or a project right below the root folder is no more than a word; then only what is inside counts.
    named = [place if place.count("/") > 1 else f"{place}/" for place in places if place != "/"]
    assert [name for name, text in texts() if any(place in text for place in named)] == []


@pytest.mark.parametrize("crate", CRATES_WITHOUT_UNSAFE)
def test_thin_crates_forbid_unsafe_code(crate: str) -> None:
    assert "#![forbid(unsafe_code)]" in (ROOT / crate / "src/lib.rs").read_text().splitlines()


def test_every_unsafe_says_why_it_is_sound_just_above() -> None:
    assert [
        f"{name}:{number + 1}"
        for name, text in texts()
        if name.endswith(".rs")
        for rows in [text.splitlines()]
        for number, row in enumerate(rows)
        if re.search(r"\bunsafe\b", _code(row))
        and not _implements_a_trait(rows, number)
        and not re.search(r"\bSAFETY:|# Safety\b", _above(rows, number))
    ] == []


def _implements_a_trait(rows: list[str], number: int) -> bool:
    """Tell whether a line begins an unsafe method that a trait asks for, and gives the rules of."""
    declaration = re.match(r"( +)unsafe (extern \S+ )?fn \w", rows[number])
    if declaration is None:
        return False
    outside = (
        row for row in reversed(rows[:number]) if re.match(rf" {{0,{len(declaration[1]) - 1}}}[a-z]", row)
    )
    header = next((row.strip() for row in outside if row.strip() != "where"), "")
    return re.match(r"(unsafe )?impl\b.* for ", header) is not None


def _code(row: str) -> str:
    """Return a line of Rust without its comment and its strings."""
    return re.sub(r'"(\\.|[^"\\])*"', '""', row).split("//")[0]


def _above(rows: list[str], number: int) -> str:
    """Return the comment that stands above the statement or item that a line of Rust is part of."""
    comment = []
    while number > 0:
        number -= 1
        row = rows[number].strip()
        if row.startswith("//"):
            comment.append(row)
        elif comment or not row or (row.endswith((";", "{", "}")) and not row.startswith("#[")):
            break
    return "\n".join(comment)

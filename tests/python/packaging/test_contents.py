"""What is inside the distributions in `dist`."""

from __future__ import annotations

import tarfile
import zipfile
from email.parser import Parser

import pytest

from clean_venv import DIST, PACKAGES, RUNTIMES, sdist, wheel


def files(package: str) -> list[str]:
    with zipfile.ZipFile(wheel(package)) as archive:
        return archive.namelist()


def read(package: str, ending: str) -> str:
    with zipfile.ZipFile(wheel(package)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name).decode()


def test_dist_has_a_wheel_and_an_sdist_of_each_package_and_nothing_else() -> None:
    expected = {make(package) for make in (wheel, sdist) for package in PACKAGES}
    assert {path for path in DIST.iterdir() if not path.name.startswith(".")} == expected


def test_no_two_wheels_own_a_file_and_each_runtime_stays_in_its_own_folder() -> None:
    for package in PACKAGES:
        module = "crossawait" if package == "crossawait" else f"_{package.replace('-', '_')}"
        folders = {name.split("/")[0] for name in files(package)}
        assert {folder for folder in folders if not folder.endswith(".dist-info")} == {module}


@pytest.mark.parametrize("package", PACKAGES)
def test_wheels_are_typed_and_licensed(package: str) -> None:
    names = [name.rsplit("/", 1)[-1] for name in files(package)]
    assert {"py.typed", "LICENSE-MIT", "LICENSE-APACHE"} <= set(names)
    metadata = Parser().parsestr(read(package, ".dist-info/METADATA"))
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata.get_payload()


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_wheel_has_stub_library_entry_point_and_pin(name: str) -> None:
    package, module = f"crossawait-{name}", f"_crossawait_{name.replace('-', '_')}"
    assert f"{module}/_runtime.pyi" in files(package)
    libraries = [file for file in files(package) if file.endswith((".so", ".pyd"))]
    assert [library.split(".")[0] for library in libraries] == [f"{module}/_runtime"]
    assert read(package, "entry_points.txt").split("\n")[:2] == ["[crossawait.runtimes]", f"{name}={module}"]
    metadata = Parser().parsestr(read(package, ".dist-info/METADATA"))
    assert metadata.get_all("Requires-Dist") == [f"crossawait=={metadata['Version']}"]


@pytest.mark.parametrize("package", PACKAGES)
def test_sdists_have_the_licences_and_no_other_package(package: str) -> None:
    with tarfile.open(sdist(package)) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    assert {"pyproject.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "PKG-INFO"} <= set(names)
    assert [name for name in names if name.startswith(("py/dist/", "tests/", "bench/"))] == []

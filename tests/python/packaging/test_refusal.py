"""A real wheel that does not fit or does not load: refused by name, with its own reason."""

from __future__ import annotations

from pathlib import Path

from clean_venv import MAIN_JOB, Venv, wheel
from doctored_wheel import with_broken_library, with_version

OTHER = "99.7.3"


def test_a_runtime_of_another_version_names_both_numbers(venv: Venv, tmp_path: Path) -> None:
    venv.install("--no-deps", wheel("crossawait-tokio"), with_version("crossawait", OTHER, tmp_path))
    version = wheel("crossawait").name.split("-")[1]
    assert venv.error("crossawait.runtime()") == (
        f'ImportError: the runtime "tokio" is made for crossawait {version}, and this is crossawait {OTHER};'
        f' install both together with: pip install "crossawait[tokio]=={OTHER}"'
    )


def test_compiled_code_of_another_version_than_its_package_says_is_found_out(
    venv: Venv, tmp_path: Path
) -> None:
    venv.install(
        with_version("crossawait-tokio", OTHER, tmp_path), with_version("crossawait", OTHER, tmp_path)
    )
    version = wheel("crossawait").name.split("-")[1]
    assert venv.error("crossawait.runtime()").startswith(
        f'ImportError: the runtime "tokio" is made for crossawait {version}, and this is crossawait {OTHER};'
    )


def test_pip_refuses_to_install_versions_that_do_not_fit(venv: Venv, tmp_path: Path) -> None:
    result = venv.pip(wheel("crossawait-tokio"), with_version("crossawait", OTHER, tmp_path))
    assert result.returncode != 0
    assert "ResolutionImpossible" in result.stderr


def test_a_broken_runtime_shows_its_own_error_and_no_other_is_taken(venv: Venv, tmp_path: Path) -> None:
    venv.install(with_broken_library("crossawait-tokio", tmp_path), "crossawait[smol]")

    assert venv.run("print(*crossawait.available())") == "tokio smol"
    for code in ("crossawait.runtime()", 'crossawait.Runtime("tokio")'):
        error = venv.error(code)
        assert error.startswith("ImportError: ")
        assert "_runtime" in error
    assert venv.run(MAIN_JOB, variable="smol") == "smol you said good day"

    info = venv.command("python", "-m", "crossawait", "info")
    assert info.returncode == 1
    assert "broken: ImportError: " in info.stdout

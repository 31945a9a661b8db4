"""A runtime that is meant and cannot be used: its own error shows, and no other runtime is taken instead."""

from __future__ import annotations

import pytest

from site_folder import RUNTIME, Site

BROKEN = 'raise OSError("libexecutor.so.3: cannot open shared object file")'


@pytest.mark.parametrize(
    ("code", "variable"),
    [
        ("crossawait.runtime()", None),
        ("crossawait.Runtime()", None),
        ('crossawait.use("tokio")', None),
        ("crossawait.runtime()", "tokio"),
    ],
)
def test_a_broken_runtime_shows_its_own_error(site: Site, code: str, variable: str | None) -> None:
    site.add("tokio", BROKEN)
    site.add("smol")
    assert site.error(code, variable=variable) == "OSError: libexecutor.so.3: cannot open shared object file"


def test_a_broken_runtime_is_listed_and_harms_no_other(site: Site) -> None:
    site.add("tokio", BROKEN)
    site.add("smol")
    assert site.run('print(crossawait.available(), crossawait.use("smol").name)') == "('tokio', 'smol') smol"


def test_a_runtime_that_fails_to_start_shows_its_own_error(site: Site) -> None:
    site.add("tokio")
    message = "ValueError: worker_threads must be at least 1, not 0"
    assert site.error("crossawait.Runtime(worker_threads=0)") == message
    assert site.error("crossawait.use(worker_threads=0)") == message


@pytest.mark.parametrize("missing", ["Runtime", "Awaitable", "Coroutine"])
def test_a_module_without_a_class_is_told_so(site: Site, missing: str) -> None:
    module = site.add("tokio", RUNTIME + f"\ndel {missing}\n")
    assert (
        site.error("crossawait.runtime()") == f'ImportError: the runtime "tokio" ({module}) lacks {missing}'
    )


def test_a_module_made_for_another_version_names_both_numbers(site: Site) -> None:
    site.add("compio", RUNTIME + '\n__version__ = "0.0.7"\n')
    version = site.run("print(crossawait.__version__)")
    assert site.error("crossawait.runtime()") == (
        f'ImportError: the runtime "compio" is made for crossawait 0.0.7, and this is crossawait {version}'
    )


def test_a_package_of_ours_of_another_version_is_refused_before_it_is_imported(site: Site) -> None:
    site.add("smol", BROKEN, distribution="crossawait-smol", version="0.0.7")
    version = site.run("print(crossawait.__version__)")
    assert site.error("crossawait.runtime()") == (
        f'ImportError: the runtime "smol" is made for crossawait 0.0.7, and this is crossawait {version};'
        f' install both together with: pip install "crossawait[smol]=={version}"'
    )


def test_the_right_version_is_accepted(site: Site) -> None:
    version = site.run("print(crossawait.__version__)")
    site.add(
        "smol", RUNTIME + f'\n__version__ = "{version}"\n', distribution="crossawait-smol", version=version
    )
    assert site.run("print(crossawait.runtime().name)") == "smol"


def test_two_packages_with_one_name_are_a_conflict_and_both_are_named(site: Site) -> None:
    site.add("smol", distribution="first-smol")
    site.add("smol", distribution="second-smol")
    assert site.run("print(crossawait.available())") == "('smol',)"
    assert site.error("crossawait.runtime()") == (
        'ImportError: several packages offer the runtime "smol": first-smol, second-smol;'
        " uninstall all but one"
    )


@pytest.mark.parametrize("function", ["use", "Runtime"])
@pytest.mark.parametrize("arguments", ["threads=2", '"tokio", 2'])
def test_an_unknown_option_is_a_type_error(site: Site, function: str, arguments: str) -> None:
    site.add("tokio")
    assert site.error(f"crossawait.{function}({arguments})").startswith("TypeError: ")

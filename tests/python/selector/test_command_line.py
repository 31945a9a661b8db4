"""`python -m crossawait`: tells what is installed, whatever is installed."""

from __future__ import annotations

import platform

import pytest

from site_folder import RUNTIME, Site

INFO = ("-m", "crossawait", "info")


def test_info_works_without_any_runtime(site: Site) -> None:
    result = site.python(*INFO)
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("tokio", "smol", "async-std"):
        assert f'not installed: pip install "crossawait[{name}]"' in result.stdout
    assert "CROSSAWAIT_RUNTIME is not set" in result.stdout
    assert (
        'default: no runtime is installed; install one with: pip install "crossawait[tokio]"' in result.stdout
    )


def test_info_shows_versions_interpreter_and_platform(site: Site) -> None:
    result = site.python(*INFO)
    for value in (site.run("print(crossawait.__version__)"), platform.python_version(), platform.platform()):
        assert value in result.stdout


def test_info_shows_each_runtime_with_version_and_state_in_order_of_preference(site: Site) -> None:
    site.add("zebra", version="3.2.1")
    site.add("smol", 'raise OSError("libexecutor.so.3:\\n  cannot open")', version="2.0")
    site.add("tokio", version="1.0")
    result = site.python(*INFO)
    assert result.returncode == 0
    start = next(
        number for number, line in enumerate(result.stdout.splitlines()) if line.startswith("runtimes, ")
    )
    assert [line.split(maxsplit=2) for line in result.stdout.splitlines()[start + 1 : start + 5]] == [
        ["tokio", "1.0", "ready (_other_tokio)"],
        ["smol", "2.0", "broken: OSError: libexecutor.so.3: cannot open"],
        ["async-std", "-", 'not installed: pip install "crossawait[async-std]"'],
        ["zebra", "3.2.1", "ready (_other_zebra)"],
    ]
    assert result.stdout.endswith("default: tokio\n")


def test_info_starts_nothing(site: Site) -> None:
    site.add("tokio", RUNTIME + '\nRuntime.__init__ = lambda *_: print("started")\n')
    assert "started" not in site.python(*INFO).stdout


def test_info_follows_the_environment(site: Site) -> None:
    site.add("tokio")
    site.add("smol")
    result = site.python(*INFO, variable="smol")
    assert result.returncode == 0
    assert 'CROSSAWAIT_RUNTIME is set to "smol"' in result.stdout
    assert result.stdout.endswith("default: smol\n")


@pytest.mark.parametrize("variable", [None, "tokio"])
def test_info_fails_if_the_runtime_that_is_meant_is_broken(site: Site, variable: str | None) -> None:
    site.add("tokio", 'raise OSError("cannot open")')
    site.add("smol")
    result = site.python(*INFO, variable=variable)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.endswith("default: OSError: cannot open\n")


def test_info_fails_if_the_runtime_that_is_asked_for_is_missing(site: Site) -> None:
    site.add("tokio")
    result = site.python(*INFO, variable="smol")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1] == (
        'default: CROSSAWAIT_RUNTIME: runtime "smol" is not installed (found: tokio);'
        ' install it with: pip install "crossawait[smol]"'
    )


@pytest.mark.parametrize("arguments", [(), ("inform",), ("info", "--loud")])
def test_wrong_usage_is_explained_and_exits_with_2(site: Site, arguments: tuple[str, ...]) -> None:
    result = site.python("-m", "crossawait", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: crossawait")
    assert "Traceback" not in result.stderr


def test_version_and_help(site: Site) -> None:
    version = site.run("print(crossawait.__version__)")
    assert site.python("-m", "crossawait", "--version").stdout == f"crossawait {version}\n"
    assert "info" in site.python("-m", "crossawait", "--help").stdout


def test_bench_needs_a_runtime(site: Site) -> None:
    result = site.python("-m", "crossawait", "bench")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "crossawait bench: no runtime is installed: there is nothing to compare\n"


def test_bench_says_what_to_install_before_it_measures(site: Site) -> None:
    site.add("tokio")
    result = site.python("-m", "crossawait", "bench")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "crossawait bench: it needs rich, which is not installed;"
        ' install it with: pip install "crossawait[bench]"\n'
    )

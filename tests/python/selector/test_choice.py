"""Which runtime is meant: by name, by the environment, by the order of preference."""

from __future__ import annotations

import pytest

from site_folder import Site


def test_without_a_runtime_the_import_works_and_nothing_is_available(site: Site) -> None:
    assert site.run("print(crossawait.available())") == "()"


@pytest.mark.parametrize(
    "use",
    ["crossawait.runtime()", "crossawait.use()", "crossawait.Runtime()", "crossawait.use(worker_threads=2)"],
)
def test_without_a_runtime_the_first_use_says_what_to_type(site: Site, use: str) -> None:
    assert site.error(use) == (
        "crossawait._errors.RuntimeNotFoundError: no runtime is installed; install one with:"
        ' pip install "crossawait[tokio]"'
    )


def test_available_is_in_order_of_preference_whatever_the_order_of_installation(site: Site) -> None:
    for name in ("zebra", "async-std", "smol", "alpha", "tokio"):
        site.add(name)
    assert site.run("print(*crossawait.available())") == "tokio smol async-std alpha zebra"


@pytest.mark.parametrize(
    ("installed", "first"),
    [
        (["async-std", "smol", "tokio"], "tokio"),
        (["async-std", "smol"], "smol"),
        (["alpha", "async-std"], "async-std"),
        (["zebra", "alpha"], "alpha"),
    ],
)
def test_the_default_is_the_first_available(site: Site, installed: list[str], first: str) -> None:
    for name in installed:
        site.add(name)
    assert site.run("print(crossawait.runtime().name, crossawait.Runtime().name)") == f"{first} {first}"


@pytest.mark.parametrize(
    ("code", "variable"),
    [
        ('crossawait.use("smol")', None),
        ('crossawait.Runtime("smol")', None),
        ("crossawait.runtime()", "smol"),
        ("crossawait.use()", "smol"),
        ("crossawait.Runtime()", "smol"),
        ("crossawait.runtime()", "  smol "),
        ('crossawait.use("smol")', "async-std"),
        ('crossawait.Runtime("smol")', "async-std"),
    ],
)
def test_a_name_goes_before_the_environment_and_that_before_the_order(
    site: Site, code: str, variable: str | None
) -> None:
    for name in ("tokio", "smol", "async-std"):
        site.add(name)
    assert site.run(f"print({code}.name)", variable=variable) == "smol"


@pytest.mark.parametrize("variable", ["", "  "])
def test_an_empty_variable_chooses_nothing(site: Site, variable: str) -> None:
    site.add("smol")
    assert site.run("print(crossawait.runtime().name)", variable=variable) == "smol"


@pytest.mark.parametrize("spelling", ["async-std", "asyncstd", "async_std"])
def test_async_std_has_one_name_and_several_spellings(site: Site, spelling: str) -> None:
    site.add("async-std")
    assert site.run(f'print(crossawait.use("{spelling}").name)') == "async-std"
    assert site.run("print(crossawait.runtime().name)", variable=spelling) == "async-std"


@pytest.mark.parametrize("code", ['crossawait.use("smol")', 'crossawait.Runtime("smol")'])
@pytest.mark.parametrize(
    ("installed", "found"), [([], "none"), (["tokio"], "tokio"), (["async-std", "tokio"], "tokio, async-std")]
)
def test_a_missing_runtime_says_what_is_there_and_what_to_type(
    site: Site, code: str, installed: list[str], found: str
) -> None:
    for name in installed:
        site.add(name)
    assert site.error(code) == (
        f'crossawait._errors.RuntimeNotFoundError: runtime "smol" is not installed (found: {found});'
        ' install it with: pip install "crossawait[smol]"'
    )


def test_a_missing_runtime_from_the_environment_names_the_variable(site: Site) -> None:
    site.add("tokio")
    assert site.error("crossawait.runtime()", variable="smol") == (
        'crossawait._errors.RuntimeNotFoundError: CROSSAWAIT_RUNTIME: runtime "smol" is not installed'
        ' (found: tokio); install it with: pip install "crossawait[smol]"'
    )


def test_an_unknown_name_does_not_send_anybody_to_an_extra_that_is_not_there(site: Site) -> None:
    site.add("tokio")
    assert site.error('crossawait.Runtime("tokyo")') == (
        'crossawait._errors.RuntimeNotFoundError: runtime "tokyo" is not installed (found: tokio);'
        " crossawait's own are tokio, smol, async-std, any other comes with a package of its own"
    )


def test_the_error_is_an_import_error_that_carries_the_name(site: Site) -> None:
    code = """
        try:
            crossawait.Runtime("smol")
        except ImportError as error:
            print(type(error).__name__, error.name)
    """
    assert site.run(code) == "RuntimeNotFoundError smol"


@pytest.mark.parametrize("code", ["crossawait.use(5)", 'crossawait.Runtime(b"tokio")'])
def test_a_name_that_is_no_string_is_a_type_error(site: Site, code: str) -> None:
    site.add("tokio")
    assert site.error(code).startswith("TypeError: a runtime's name is a string, not ")


def test_a_runtime_of_somebody_else_is_as_good_as_ours(site: Site) -> None:
    site.add("compio", distribution="compio-for-crossawait", version="7.3")
    assert site.run('print(crossawait.Runtime("compio", worker_threads=2).options)') == "(2, None, None)"

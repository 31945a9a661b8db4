"""What an extra installs, offline and from `dist` alone: the runtimes that it names and no other."""

from __future__ import annotations

import pytest

from clean_venv import MAIN_JOB, RUNTIMES, Venv

MODULES = {name: f"_crossawait_{name.replace('-', '_')}" for name in RUNTIMES}


@pytest.mark.parametrize(
    ("extras", "names"),
    [
        ("tokio", ["tokio"]),
        ("smol", ["smol"]),
        ("async-std", ["async-std"]),
        ("asyncstd", ["async-std"]),
        ("smol,tokio", ["tokio", "smol"]),
        ("all", ["tokio", "smol", "async-std"]),
    ],
)
def test_an_extra_installs_its_runtimes_and_no_other(venv: Venv, extras: str, names: list[str]) -> None:
    venv.install(f"crossawait[{extras}]")

    assert venv.run("print(*crossawait.available())") == " ".join(names)
    code = f"""
        import importlib.util
        print(*(name for name, module in {MODULES!r}.items() if importlib.util.find_spec(module)))
    """
    assert sorted(venv.run(code).split()) == sorted(names)
    assert venv.run(MAIN_JOB) == f"{names[0]} you said good day"
    for name in names:
        assert venv.run(MAIN_JOB, variable=name) == f"{name} you said good day"
    for name in set(RUNTIMES) - set(names):
        assert venv.error(f'crossawait.Runtime("{name}")').endswith(
            f'runtime "{name}" is not installed (found: {", ".join(names)});'
            f' install it with: pip install "crossawait[{name}]"'
        )


def test_two_runtimes_work_in_one_process(venv: Venv) -> None:
    venv.install("crossawait[tokio,smol]")
    code = """
        import asyncio

        async def main():
            async with crossawait.Runtime("tokio") as tokio, crossawait.Runtime("smol") as smol:
                listener = await tokio.listen("127.0.0.1", 0)
                connected = asyncio.create_task(smol.connect(*listener.address))
                server, address = await listener.accept()
                async with listener, server, await connected as client:
                    await server.write_all(b"from tokio to smol")
                    print((await client.read(1000)).decode(), isinstance(client, crossawait.Stream))

        asyncio.run(main())
    """
    assert venv.run(code) == "from tokio to smol True"


def test_without_an_extra_the_import_works_and_the_first_use_says_what_to_type(venv: Venv) -> None:
    venv.install("crossawait")
    assert venv.run("print(crossawait.available())") == "()"
    assert venv.error("crossawait.runtime()").endswith(
        'no runtime is installed; install one with: pip install "crossawait[tokio]"'
    )


def test_the_console_script_and_the_module_say_the_same(venv: Venv) -> None:
    venv.install("crossawait[smol]")
    script, module = venv.command("crossawait", "info"), venv.command("python", "-m", "crossawait", "info")
    assert (script.returncode, script.stderr) == (0, "")
    assert script.stdout == module.stdout
    assert script.stdout.endswith("default: smol\n")


def test_a_runtime_installed_by_itself_brings_the_pure_package(venv: Venv) -> None:
    venv.install("crossawait-smol")
    assert venv.run(MAIN_JOB) == "smol you said good day"

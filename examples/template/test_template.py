import asyncio

from crossawait_template import greet


def test_greet() -> None:
    assert asyncio.run(greet("world")) == "Hello, world!"


def test_many_at_once() -> None:
    async def greet_all() -> list[str]:
        return await asyncio.gather(*(greet(str(number)) for number in range(1000)))

    assert asyncio.run(greet_all()) == [f"Hello, {number}!" for number in range(1000)]

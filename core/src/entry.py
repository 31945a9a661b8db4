"""The Python half of `run`: what the runner gets to run."""


def entry(start):
    """Return the `async def` that starts Rust's `main` on the loop that calls it, and waits for it."""

    async def main():
        await start()

    return main

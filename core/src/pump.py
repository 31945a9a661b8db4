"""How a Python asynchronous iterator is emptied into Rust: on asyncio and on trio alike."""


async def pump(iterable, sink, event_class):
    """Push every item into `sink`, and wait whenever that is full."""
    iterator = aiter(iterable)
    try:
        while True:
            # As `async for` does it, which would also ask the iterator for an iterator: it need not have one.
            try:
                item = await anext(iterator)
            except StopAsyncIteration:
                break
            if sink.push(item):
                event = event_class()
                if sink.park(event):
                    await event.wait()
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()

"""How Rust reads from the byte streams of asyncio, trio and anyio, and how it writes to them."""

import sys
from functools import partial
from io import IOBase

# What asyncio's transports receive at once, and what trio and anyio do if not told otherwise.
LARGE, USUAL = 256 * 1024, 64 * 1024

READERS = (
    "the awaitable `read(n)` of asyncio.StreamReader or `receive_some(n)` of trio.abc.ReceiveStream, "
    "or is an anyio.abc.ByteReceiveStream"
)
WRITERS = (
    "`write`, `is_closing`, `close` and the awaitables `drain` and `wait_closed` of asyncio.StreamWriter, "
    "or the awaitables `send_all` and `aclose` of trio.abc.SendStream, or is an anyio.abc.ByteSendStream"
)


def receiving(stream):
    """Return the function that receives: awaited, it gives some bytes, and none at the end of the stream."""
    if is_of_anyio(stream, "ByteReceiveStream"):
        return partial(receive_until_end, stream, sys.modules["anyio"].EndOfStream)
    if has(stream, "receive_some"):
        return partial(stream.receive_some, USUAL)
    # A file has `read` too, and blocks.
    if has(stream, "read") and not isinstance(stream, IOBase):
        return partial(stream.read, LARGE)
    raise TypeError(f"cannot read from {type(stream).__qualname__!r}: a reader has {READERS}")


async def receive_until_end(stream, end):
    """Receive from a stream that raises at its end."""
    try:
        return await stream.receive(USUAL)
    except end:
        return b""


def writing(stream):
    """Return what sends to the stream: an object with the awaitables `send(data)`, `end()` and `close()`."""
    if is_of_anyio(stream, "ByteSendStream"):
        return Sending(stream, stream.send, stream.aclose)
    if has(stream, "send_all", "aclose"):
        return Sending(stream, stream.send_all, stream.aclose)
    if has(stream, "write", "drain", "is_closing", "close", "wait_closed"):
        return Buffering(stream)
    if has(stream, "write_all", "close"):
        return Sending(stream, stream.write_all, stream.close)
    raise TypeError(f"cannot write to {type(stream).__qualname__!r}: a writer has {WRITERS}")


class Sending:
    """A stream that is awaited for each piece, as those of trio and anyio are."""

    def __init__(self, stream, send, close):
        self.send, self.close = send, close
        self.send_eof = getattr(stream, "send_eof", None)

    async def end(self):
        """End this direction alone."""
        if self.send_eof is None:
            raise NotImplementedError("this stream cannot be closed for writing alone")
        await self.send_eof()


class Buffering:
    """A stream of asyncio's: it takes all, and `drain` waits for room."""

    def __init__(self, stream):
        self.stream = stream

    async def send(self, data):
        """Write, and wait until more may be written."""
        if self.stream.is_closing():
            # Raises if the connection is gone, and says why. Writing does not: asyncio throws the data away,
            # and uvloop knows no reason.
            await self.stream.drain()
        self.stream.write(data)
        await self.stream.drain()

    async def end(self):
        """End this direction alone."""
        self.stream.write_eof()
        await self.stream.drain()

    async def close(self):
        """Close the stream, and wait for that."""
        self.stream.close()
        await self.stream.wait_closed()


async def pump(writer, source):
    """Send what `source` gives, until there is nothing more."""
    while data := source.take():
        await writer.send(data)


def is_of_anyio(stream, name):
    """Tell whether it inherits from a class of anyio's. Where nobody has imported that, nothing does."""
    module = sys.modules.get("anyio.abc")
    return module is not None and isinstance(stream, getattr(module, name))


def has(stream, *names):
    """Tell whether it has methods of these names."""
    return all(callable(getattr(stream, name, None)) for name in names)

"""`connect` and `listen` over TCP (IPv4, IPv6, by name) and Unix sockets, and the main job: `read(1000)`."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

import child_process
from crossawait import Listener, Runtime, Stream
from sockets import LOCALHOST, host_and_port
from tasks import within


async def main_job(listener: Listener, client: Stream) -> None:
    server, address = await listener.accept()
    async with server, client:
        assert address == server.peer_address
        await client.write_all(b"hello")
        data = await server.read(1000)
        assert data == b"hello"
        await server.write_all(data.upper())
        assert await client.read(1000) == b"HELLO"
        await server.close()
        assert await client.read(1000) == b""


@pytest.mark.parametrize("host", [LOCALHOST, "::1", "localhost"])
async def test_the_main_job_over_tcp(runtime: Runtime, host: str) -> None:
    async with await runtime.listen(host, 0) as listener:
        # By the name again: one that has two addresses is tried at both.
        port = host_and_port(listener)[1]
        await main_job(listener, await runtime.connect(host, port))


async def test_the_main_job_over_a_unix_socket(runtime: Runtime, tmp_path: Path) -> None:
    async with await runtime.listen_unix(tmp_path / "socket") as listener:
        await main_job(listener, await runtime.connect_unix(tmp_path / "socket"))


@pytest.mark.parametrize("convert", [str, os.fsencode, Path])
async def test_a_unix_path_is_text_bytes_or_a_path(runtime: Runtime, tmp_path: Path, convert: Any) -> None:
    path = convert(str(tmp_path / "socket"))
    async with await runtime.listen_unix(path) as listener:
        await main_job(listener, await runtime.connect_unix(path))


async def test_ipv4_addresses_are_those_of_the_socket_module(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        peer = socket.create_connection(host_and_port(listener))
        stream, address = await listener.accept()
    with peer:
        async with stream:
            assert stream.local_address == listener.address == peer.getpeername()
            assert stream.peer_address == address == peer.getsockname()


async def test_ipv6_addresses_are_those_of_the_socket_module(runtime: Runtime) -> None:
    async with await runtime.listen("::1", 0) as listener:
        peer = socket.create_connection(host_and_port(listener))
        stream, address = await listener.accept()
    with peer:
        async with stream:
            assert stream.local_address == listener.address == peer.getpeername()
            assert stream.peer_address == address == peer.getsockname()
            assert len(address) == 4


async def test_unix_addresses_are_those_of_the_socket_module(runtime: Runtime, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with await runtime.listen_unix(path) as listener:
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        stream, address = await listener.accept()
    with peer:
        async with stream:
            assert stream.local_address == listener.address == peer.getpeername() == path
            assert stream.peer_address == address == peer.getsockname() == ""


async def test_the_system_chooses_a_port_where_0_is_asked_for(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as one, await runtime.listen(LOCALHOST, 0) as other:
        assert host_and_port(one)[1] > 0
        assert host_and_port(other)[1] not in (0, host_and_port(one)[1])


async def test_small_writes_go_out_at_once(runtime: Runtime) -> None:
    # A round trip that has to wait for Nagle's algorithm and a delayed acknowledgement takes 40 ms.
    async with await runtime.listen(LOCALHOST, 0) as listener:
        client = await runtime.connect(*host_and_port(listener))
        server, _ = await listener.accept()
        async with client, server:
            begun = time.monotonic()
            for _ in range(50):
                await client.write_all(b"a")
                await client.write_all(b"b")
                assert await server.read_exactly(2) == b"ab"
                await server.write_all(b"c")
                assert await client.read(1) == b"c"
            assert time.monotonic() - begun < 50 * 0.04


async def test_a_closed_port_refuses(runtime: Runtime) -> None:
    with socket.create_server((LOCALHOST, 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError) as caught:
        await runtime.connect(LOCALHOST, port)
    assert caught.value.errno == errno.ECONNREFUSED
    assert caught.value.strerror == os.strerror(errno.ECONNREFUSED)


@pytest.mark.parametrize("verb", ["connect", "listen"])
@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "two words"])
async def test_a_name_that_does_not_resolve(runtime: Runtime, verb: str, host: str) -> None:
    with pytest.raises(socket.gaierror) as caught:
        await getattr(runtime, verb)(host, 80)
    assert caught.value.errno in (socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_NODATA)
    assert host in str(caught.value)


@pytest.mark.parametrize("verb", ["connect", "listen"])
async def test_a_name_with_a_null_character_is_refused(runtime: Runtime, verb: str) -> None:
    with pytest.raises(ValueError, match="null"):
        await getattr(runtime, verb)("local\0host", 80)


@pytest.mark.parametrize("verb", ["connect", "listen"])
@pytest.mark.parametrize("port", [-1, 65536, 1 << 40])
async def test_a_port_out_of_range(runtime: Runtime, verb: str, port: int) -> None:
    with pytest.raises(OverflowError, match="0-65535"):
        getattr(runtime, verb)(LOCALHOST, port)


@pytest.mark.parametrize("verb", ["connect", "listen"])
@pytest.mark.parametrize(
    "arguments", [(LOCALHOST, "80"), (LOCALHOST, 1.5), (None, 80), (5, 80), (LOCALHOST,)]
)
def test_hosts_and_ports_of_another_type(runtime: Runtime, verb: str, arguments: Any) -> None:
    with pytest.raises(TypeError):
        getattr(runtime, verb)(*arguments)


async def test_an_address_of_another_machine_cannot_be_listened_on(runtime: Runtime) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EADDRNOTAVAIL)) as caught:
        await runtime.listen("192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_an_address_in_use(runtime: Runtime) -> None:
    async with await runtime.listen(LOCALHOST, 0) as listener:
        with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)) as caught:
            await runtime.listen(*host_and_port(listener))
    assert caught.value.errno == errno.EADDRINUSE


async def test_a_unix_address_in_use(runtime: Runtime, tmp_path: Path) -> None:
    async with await runtime.listen_unix(tmp_path / "socket"):
        with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)) as caught:
            await runtime.listen_unix(tmp_path / "socket")
    assert caught.value.errno == errno.EADDRINUSE


async def test_a_unix_path_that_is_not_there(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await runtime.connect_unix(tmp_path / "socket")
    with pytest.raises(FileNotFoundError):
        await runtime.listen_unix(tmp_path / "folder" / "socket")


@pytest.mark.parametrize("verb", ["connect_unix", "listen_unix"])
async def test_a_unix_path_longer_than_the_system_takes(runtime: Runtime, tmp_path: Path, verb: str) -> None:
    with pytest.raises(OSError, match=r"path|name") as caught:
        await getattr(runtime, verb)(tmp_path / ("x" * 200))
    assert caught.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("verb", ["connect_unix", "listen_unix"])
@pytest.mark.parametrize("path", ["", "a\0b"])
async def test_a_unix_path_that_names_no_file(runtime: Runtime, verb: str, path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        await getattr(runtime, verb)(path)


@pytest.mark.parametrize("verb", ["connect_unix", "listen_unix"])
@pytest.mark.parametrize("path", [None, 5, ["a"]])
def test_a_unix_path_of_another_type(runtime: Runtime, verb: str, path: Any) -> None:
    with pytest.raises(TypeError):
        getattr(runtime, verb)(path)


def test_a_place_without_permission(runtime_name: str, tmp_path: Path) -> None:
    # The superuser may everything, so a child gives that up.
    code = """
        import asyncio, os, sys
        import crossawait

        async def main(name, folder):
            async with crossawait.Runtime(name) as runtime:
                await runtime.sleep(0)
                os.chmod(folder, 0)
                if os.geteuid() == 0:
                    os.setgid(65534)
                    os.setuid(65534)
                for verb in (runtime.listen_unix, runtime.connect_unix):
                    try:
                        await verb(f"{folder}/socket")
                    except PermissionError as error:
                        print(error.errno)

        asyncio.run(main(*sys.argv[1:]))
    """
    folder = tmp_path / "closed"
    folder.mkdir()
    try:
        printed = child_process.printed(code, arguments=(runtime_name, str(folder)))
    finally:
        folder.chmod(0o700)
    assert printed.split() == [str(errno.EACCES)] * 2


async def test_a_cancelled_connect_leaves_nothing(runtime: Runtime) -> None:
    # A full backlog: the connection is neither taken nor refused.
    with socket.socket() as server:
        server.bind((LOCALHOST, 0))
        server.listen(0)
        with pytest.raises(TimeoutError):
            await within(0.2, fill(runtime, server.getsockname()))
    assert runtime.metrics().tasks_pending == 0


async def fill(runtime: Runtime, address: tuple[str, int]) -> None:
    streams: list[Stream] = []
    try:
        while True:
            streams.append(await runtime.connect(*address))
    finally:
        for stream in streams:
            await stream.close()

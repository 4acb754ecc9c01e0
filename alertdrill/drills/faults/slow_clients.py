"""Open slow connections, as a process of its own that never outlives the drill's.

`python -m alertdrill.drills.faults.slow_clients URL SECONDS heads=150 bodies=150 sources=50`

Each client sends or reads a byte per second, and connects again once its connection is closed. With
`sources`, the clients of a loopback address come from this number of addresses. The process prints
a line when it is ready, starts when it reads one, and exits when its input closes, or SECONDS after
its start. One event loop serves all clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from .host_stress import await_start, exit_with_input

INTERVAL_S = 1.0
# From the connection to the first byte: at first, and after an end. A client that is refused at
# once does not spin then, and still holds a connection most of the time. The load balancer allows
# 5 s.
FIRST_BYTE_S, NEXT_FIRST_BYTE_S = (0.5, 1.5), (1.0, 4.0)
# How many clients start per second, so that their first requests are no load of their own.
STARTS_PER_S = 200.0
# The load balancer closes a connection after 15 s without reading. The client does not see that
# before it has read everything that the kernel holds for it, so it connects again by itself.
# Random ages, so that the requests of readers are spread evenly from the start.
READER_AGE_S = (5.0, 15.0)
# `/process` returns its records. This one takes no computation, so readers are slow and no load.
READER_BODY = json.dumps({"text": "a" * 8000}).encode()
# The kernel's minimum, which is about 2 KiB.
RECEIVE_BUFFER = 1
# The load balancer keeps the first kind of body until it is complete, and passes on the second.
SMALL_BODY, LARGE_BODY, FIRST_PART = 8000, 1_000_000, 30_000

Client = Callable[[socket.socket, str], Awaitable[None]]


async def send_head(connection: socket.socket, path: str) -> None:
    """Begin a header field, and send a byte per second of it."""
    await _drip(connection, f"GET {path} HTTP/1.1\r\nHost: slow\r\nX-Slow: ".encode())


async def send_body(connection: socket.socket, path: str) -> None:
    """Send a byte per second of a body that the load balancer keeps until it is complete."""
    await _drip(connection, _post(path, SMALL_BODY))


async def send_large_body(connection: socket.socket, path: str) -> None:
    """Send the beginning of a large body at once, then a byte per second."""
    await _drip(connection, _post(path, LARGE_BODY) + b" " * FIRST_PART)


async def read_response(connection: socket.socket, path: str) -> None:
    """Send a request, and read a byte per second of its response."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, _post(path, len(READER_BODY)) + READER_BODY)
    end = loop.time() + random.uniform(*READER_AGE_S)  # noqa: S311 - no secret
    while loop.time() < end:
        await asyncio.sleep(INTERVAL_S)
        with suppress(BlockingIOError):
            if not connection.recv(1):
                return


CLIENTS: Mapping[str, Client] = {
    "heads": send_head,
    "bodies": send_body,
    "large_bodies": send_large_body,
    "readers": read_response,
}


def _post(path: str, length: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


async def _drip(connection: socket.socket, start: bytes) -> None:
    """Send the start, then a byte per second until a response or the end of the connection."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await loop.sock_sendall(connection, start)
        while not readable.is_set():
            with suppress(BlockingIOError):
                connection.send(b" ")
            with suppress(TimeoutError):
                await asyncio.wait_for(readable.wait(), INTERVAL_S)
    finally:
        loop.remove_reader(connection)


async def _keep_connected(
    client: Client, address: tuple[str, int], path: str, source: str, delay: float
) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(delay)
    pause = FIRST_BYTE_S
    while True:
        try:
            with socket.socket() as connection:
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                if source:
                    connection.bind((source, 0))
                with suppress(OSError):
                    await loop.sock_connect(connection, address)
                await asyncio.sleep(random.uniform(*pause))  # noqa: S311 - no secret
                pause = NEXT_FIRST_BYTE_S
                with suppress(OSError):
                    await client(connection, path)
        except OSError:  # no descriptor or no port: other tasks run, and some connections end
            await asyncio.sleep(INTERVAL_S)


async def run(url: str, seconds: float, counts: Mapping[str, int], sources: int = 0) -> None:
    """Keep this number of each kind of client connected to a host for some seconds.

    They come from `sources` addresses of the loopback network, or, with 0, from the default one.
    """
    parts = urlsplit(url)
    # Resolved once: a name's lookup blocks the loop.
    address = (socket.gethostbyname(parts.hostname or ""), parts.port or 80)
    clients = [CLIENTS[kind] for kind, count in counts.items() for _ in range(count)]
    random.shuffle(clients)
    tasks = [
        asyncio.create_task(
            _keep_connected(
                client,
                address,
                parts.path or "/",
                f"127.0.0.{1 + number % sources}" if sources else "",
                number / STARTS_PER_S,
            )
        )
        for number, client in enumerate(clients)
    ]
    await asyncio.wait(tasks, timeout=seconds)
    os._exit(0)


def main(url: str, seconds: str, *counts: str) -> None:
    """Run the clients of a command line."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    await_start()
    exit_with_input()
    numbers = {kind: int(number) for kind, _, number in (count.partition("=") for count in counts)}
    sources = numbers.pop("sources", 0)
    asyncio.run(run(url, float(seconds), numbers, sources))


if __name__ == "__main__":
    main(*sys.argv[1:])

import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from alertdrill.runtimes.port_check import AddressError, PortTakenError, check


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.fixture
def free() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
    return port


def test_free_ports_pass(free: int) -> None:
    check({("127.0.0.1", free): "LB_PORT", ("0.0.0.0", free): "LB_PORT"})


def test_port_in_use_names_its_owner(taken: int, free: int) -> None:
    with pytest.raises(PortTakenError) as error:
        check({("127.0.0.1", free): "LB_PORT", ("127.0.0.1", taken): "LOKI_PORT"})
    name = psutil.Process().name()
    assert str(error.value) == (
        f"Port {taken} is in use by {name} (pid {os.getpid()}): stop that program,"
        " or set LOKI_PORT to a free port in .env."
    )


def test_wildcard_address_conflicts_with_loopback(taken: int) -> None:
    with pytest.raises(PortTakenError):
        check({("0.0.0.0", taken): "LB_PORT"})


@pytest.mark.parametrize("answer", [[], psutil.AccessDenied()])
def test_hidden_owner_is_another_program(
    taken: int, monkeypatch: pytest.MonkeyPatch, answer: list[object] | Exception
) -> None:
    def connections(_: str) -> list[object]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(psutil, "net_connections", connections)
    with pytest.raises(PortTakenError, match=rf"^Port {taken} is in use by another program: "):
        check({("127.0.0.1", taken): "LB_PORT"})


def test_closing_connection_does_not_block_the_port(free: int) -> None:
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", free))
        server.listen()
        client.connect(("127.0.0.1", free))
        server.accept()[0].close()  # the server closes first, so the connection lingers
    check({("127.0.0.1", free): "LB_PORT"})


def test_address_of_another_machine_is_named(free: int) -> None:
    # RFC 5737 keeps this address for documentation: no machine has it.
    with pytest.raises(AddressError, match=r"^LB_ADDRESS is 192\.0\.2\.1, which this machine does"):
        check({("192.0.2.1", free): "LB_PORT"})

"""Where an instance listens, and its name in Docker Compose."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import requests

from alertdrill_telemetry import SettingsError
from alertdrill_telemetry.addresses import instance_name, listen_addresses
from tests.unit.telemetry.instance import TIMEOUT_S, Instance

Resolve = Callable[[Mapping[str, Sequence[str]]], None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Return a function that gives names their addresses; no other name is known."""

    def use(addresses: Mapping[str, Sequence[str]]) -> None:
        def getaddrinfo(name: str, *_: object) -> list[tuple[object, ...]]:
            if name not in addresses:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [(0, 0, 0, "", (address, 0)) for address in addresses[name]]

        monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)

    return use


def test_names_are_listened_on_at_the_own_addresses(resolve: Resolve) -> None:
    resolve({"shared": ["192.0.2.1", "127.0.0.7"], "127.0.0.1": ["127.0.0.1"]})
    assert listen_addresses("127.0.0.1,shared,unknown") == ["127.0.0.1", "127.0.0.7"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "[::1]", "localhost"])
def test_single_address_is_taken_as_it_is(host: str) -> None:
    assert listen_addresses(host) == [host]


def test_addresses_of_other_hosts_are_refused(resolve: Resolve) -> None:
    resolve({"shared": ["192.0.2.1"]})
    with pytest.raises(SettingsError, match="HOST is 'shared,unknown', which is no address of"):
        listen_addresses("shared,unknown")


def test_instance_listens_on_several_addresses(tmp_path: Path) -> None:
    with Instance(1, tmp_path, HOST="127.0.0.1,127.0.0.7") as instance:
        for url, path in ((instance.url, "/metrics"), (instance.operations, "/metrics")):
            answers = [
                requests.get(f"{url.replace('127.0.0.1', address)}{path}", timeout=TIMEOUT_S)
                for address in ("127.0.0.1", "127.0.0.7")
            ]
            expected = 200 if url == instance.operations else 404
            assert [answer.status_code for answer in answers] == [expected] * 2
            with pytest.raises(requests.ConnectionError):
                requests.get(url.replace("127.0.0.1", "127.0.0.9"), timeout=TIMEOUT_S)


def test_replica_is_named_by_its_own_address(resolve: Resolve) -> None:
    # On several networks, a name has an address on any of them.
    resolve({"shop-web-1": ["192.0.2.1"], "shop-web-3": ["192.0.2.3", "127.0.0.7"]})
    assert instance_name("web", "shop") == "web-3"
    assert instance_name("web", "") == instance_name("chat", "shop") == socket.gethostname()


def test_name_without_an_address_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"HOST is 'unknown\.invalid': "):
        listen_addresses("unknown.invalid")

import json
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from firedrill.loads.annotate import annotate, send
from firedrill.loads.errors import LoadError
from firedrill.settings import StackSettings
from tests.unit.apps.loopback import Answer, Peer
from tests.unit.firedrill.loads.samples import BEGAN, SECONDS, report


@pytest.fixture
def grafana() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def stack(url: str, *running: str) -> Any:
    return SimpleNamespace(
        name="native",
        status=lambda: [SimpleNamespace(service=name, pid=1) for name in running],
        address=lambda _: url,
    )


def test_note_is_of_the_loads_time(grafana: Peer, tmp_path: Path) -> None:
    settings = StackSettings(tmp_path)
    assert annotate(settings, stack(grafana.url, "web", "grafana"), report())
    [arrival] = grafana.arrivals
    assert (arrival.method, arrival.path) == ("POST", "/api/annotations")
    note = json.loads(arrival.body)
    assert (note["time"], note["timeEnd"]) == (BEGAN * 1000, (BEGAN + SECONDS) * 1000)
    assert note["tags"] == ["firedrill", "load", "spike"]
    assert note["text"] == "Load spike, 120 clients at most: missed: errors."
    user, _, password = b64decode(arrival.headers["Authorization"][6:]).decode().partition(":")
    assert (user, password) == ("admin", (tmp_path / "native/grafana.password").read_text())


def test_without_grafana_there_is_no_note(grafana: Peer, tmp_path: Path) -> None:
    assert not annotate(StackSettings(tmp_path), stack(grafana.url, "web"), report())
    assert grafana.arrivals == []


@pytest.mark.parametrize("status", [401, 0])
def test_refusal_is_one_sentence(grafana: Peer, status: int) -> None:
    grafana.answer = partial(Answer, status)
    with pytest.raises(LoadError, match=r"^Grafana took no note of the load"):
        send(grafana.url, "x", report())

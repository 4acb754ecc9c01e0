from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.http_server import Peer
from tests.unit.loadtests.test_profiles import locust, peer

__all__ = ["peer"]


def test_requests_of_the_warmup_are_not_counted(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOAD_WARMUP", "3")
    options = ("--users", "10", "--run-time", "5s", "--json-file", str(tmp_path / "stats"))
    with locust(peer.url, *options) as process:
        process.communicate(timeout=30)
    entries = json.loads((tmp_path / "stats.json").read_text())
    requests_counted = sum(entry["num_requests"] for entry in entries)
    assert 0 < requests_counted <= len(peer.requests) - 20  # ten clients, in two seconds and more

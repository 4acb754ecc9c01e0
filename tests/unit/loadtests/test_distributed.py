from __future__ import annotations

import json
from threading import Event

import pytest

from tests.http_server import Answer, Peer
from tests.unit.loadtests.test_profiles import locust, peer

__all__ = ["peer"]


# A slow one takes longer to end its last requests than Locust's master waits by itself.
@pytest.mark.parametrize("seconds", [0, 0.7], ids=["fast", "slow"])
def test_several_processes_print_one_total(peer: Peer, seconds: float) -> None:
    def late() -> Answer:
        Event().wait(seconds)
        return Answer()

    peer.answer = late
    options = ("--users", "8", "--run-time", "3s", "--processes", "2", "--only-summary", "--json")
    with locust(peer.url, *options, "--loglevel", "ERROR") as process:
        output, _ = process.communicate(timeout=60)
    # The tables for people, which follow, go elsewhere than the JSON.
    entries, end = json.JSONDecoder().raw_decode(output)
    assert '"num_requests"' not in output[end:]
    assert sum(entry["num_requests"] for entry in entries) == len(peer.requests)

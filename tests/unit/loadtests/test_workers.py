from __future__ import annotations

import json

from tests.unit.apps.loopback import Peer
from tests.unit.loadtests.test_shapes import locust, peer

__all__ = ["peer"]


def test_several_processes_print_one_sum(peer: Peer) -> None:
    options = ("--users", "8", "--run-time", "6s", "--processes", "2", "--only-summary", "--json")
    with locust(peer.url, *options, "--loglevel", "ERROR") as process:
        printed, _ = process.communicate(timeout=60)
    # The tables for people, which follow, go elsewhere than the JSON.
    found, end = json.JSONDecoder().raw_decode(printed)
    assert '"num_requests"' not in printed[end:]
    assert sum(entry["num_requests"] for entry in found) == len(peer.arrivals)

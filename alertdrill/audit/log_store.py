"""Read the audit's access lines from Loki or the fake Loki."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import requests

from ..loki_client import LokiClient
from ..runtimes import Runtime
from .access_lines import HOPS, PATH_SERVICES, AccessLine, access_line_from_fields
from .errors import AuditError

# The fake reads its whole file for each query: one or two seconds for a million lines.
TIMEOUT_S = 60.0
# Containers share the host's clock, so all lines have times within the run.
SECOND_NS = 10**9


class LogStore(Protocol):
    """Stores the lines that the collector sends."""

    name: str

    def count_ids(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return the count of each id with this prefix, by hop."""
        ...


def find_log_store(runtime: Runtime, running: Collection[str]) -> LogStore | None:
    """Return the store that the collector sends to; None if either does not run."""
    if "collector" not in running:
        return None
    if "loki" in running:
        return LokiLogStore(LokiClient(runtime.address("loki")))
    return FakeLokiClient(runtime.address("loki")) if "fake-loki" in running else None


class LokiLogStore:
    """A real Loki."""

    name = "Loki"

    def __init__(self, loki: LokiClient) -> None:
        self._loki = loki

    def count_ids(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return the count of each id with this prefix, by hop."""
        services = "|".join(("lb", *PATH_SERVICES))
        logql = f'{{service=~"{services}"}} | logger="access" | request_id=~"{mark}-.*"'
        span = (int((since - 1) * SECOND_NS), int((time.time() + 1) * SECOND_NS))
        return _count_by_hop(
            access_line_from_fields(line.fields) for line in self._loki.every(logql, span)
        )


class FakeLokiClient:
    """The fake of Loki, at `url`."""

    name = "fake Loki"

    def __init__(self, url: str) -> None:
        self._url = url

    def count_ids(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return the count of each id with this prefix, by hop."""
        del since  # its stack is as old as the run
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy of the host for the loopback
                address = f"{self._url}/lines"
                answer = session.get(address, params={"request_id": mark}, timeout=TIMEOUT_S)
                answer.raise_for_status()
        except requests.RequestException as error:
            raise AuditError(f"the fake Loki does not respond ({error}): see its log") from error
        return _count_by_hop(
            access_line_from_fields(json.loads(line)) for line in answer.text.splitlines()
        )


def _count_by_hop(sightings: Iterable[AccessLine | None]) -> Mapping[str, Counter[str]]:
    seen: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
    for sighting in sightings:
        if sighting:
            seen[sighting.hop][sighting.id] += 1
    return seen

"""What the log store has of our requests: Loki, or what stands in for it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import requests

from ..loki_client import LokiClient
from ..runtimes import Runtime
from .chain import CHAIN
from .errors import AuditError
from .lines import HOPS, Sighting, of_fields

# The stand-in reads its file through for each question: a second or two for a million lines.
TIMEOUT = 60.0
# Clocks of containers are the host's; lines are stamped within the run.
SECOND = 10**9


class Store(Protocol):
    """Keeps the lines that the collector carries."""

    name: str

    def seen(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return how often each hop has each id that begins with the mark."""
        ...


def store(runtime: Runtime, running: Collection[str]) -> Store | None:
    """Return what the collector carries to; None where no collector or no store runs."""
    if "collector" not in running:
        return None
    if "loki" in running:
        return LokiStore(LokiClient(runtime.address("loki")))
    return SinkStore(runtime.address("loki")) if "fake-loki" in running else None


class LokiStore:
    """A real Loki."""

    name = "Loki"

    def __init__(self, loki: LokiClient) -> None:
        self._loki = loki

    def seen(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return how often each hop has each id that begins with the mark."""
        services = "|".join(("lb", *CHAIN))
        logql = f'{{service=~"{services}"}} | logger="access" | request_id=~"{mark}-.*"'
        span = (int((since - 1) * SECOND), int((time.time() + 1) * SECOND))
        return _counted(of_fields(line.fields) for line in self._loki.every(logql, span))


class SinkStore:
    """The stand-in for Loki, at `url`."""

    name = "stand-in"

    def __init__(self, url: str) -> None:
        self._url = url

    def seen(self, mark: str, since: float) -> Mapping[str, Counter[str]]:
        """Return how often each hop has each id that begins with the mark."""
        del since  # it has nothing that is older than the run
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy of the host for the loopback
                address = f"{self._url}/lines"
                answer = session.get(address, params={"request_id": mark}, timeout=TIMEOUT)
                answer.raise_for_status()
        except requests.RequestException as error:
            raise AuditError(f"The stand-in for Loki does not answer ({error}).") from error
        return _counted(of_fields(json.loads(line)) for line in answer.text.splitlines())


def _counted(sightings: Iterable[Sighting | None]) -> Mapping[str, Counter[str]]:
    seen: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
    for one in sightings:
        if one:
            seen[one.hop][one.id] += 1
    return seen

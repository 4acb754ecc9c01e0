"""Parse the statistics that Locust prints as JSON. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import LoadError

MS = 1000.0


@dataclass(frozen=True)
class RequestStats:
    """Requests, failures and `p95` in seconds; None without responses."""

    requests: int
    failures: int
    p95: float | None

    @property
    def errors(self) -> float:
        """Return the ratio of failed requests; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class LocustStats:
    """Locust's statistics: in all, by (method, name), and by second since 1970."""

    total: RequestStats
    requests: Mapping[tuple[str, str], RequestStats]
    rate: Mapping[int, int]
    failures: Mapping[int, int]


def parse_stats(text: str) -> LocustStats:
    """Parse the JSON; raise `LoadError` if it is not Locust's."""
    try:
        entries = max(_documents(text), key=_requests)
        return LocustStats(
            _numbers(entries),
            {(entry["method"], entry["name"]): _numbers([entry]) for entry in entries},
            _by_second(entries, "num_reqs_per_sec"),
            _by_second(entries, "num_fail_per_sec"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LoadError("Locust printed no statistics: see its log.") from error


def _documents(text: str) -> list[list[Mapping[str, Any]]]:
    """Return every JSON document in a text; each Locust process prints one."""
    decoder, documents, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        documents.append(document)
        rest = rest[end:].strip()
    return documents


def _requests(entries: Sequence[Mapping[str, Any]]) -> int:
    # The master's document has the sum of its workers.
    return sum(entry["num_requests"] for entry in entries)


def percentile(times: Mapping[float, int], fraction: float) -> float | None:
    """Return a percentile of response times (nearest rank)."""
    left = fraction * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 0:
            return time
    return None


def _numbers(entries: Sequence[Mapping[str, Any]]) -> RequestStats:
    times: Counter[float] = Counter()
    for entry in entries:
        times.update({float(at) / MS: count for at, count in entry["response_times"].items()})
    return RequestStats(
        sum(entry["num_requests"] for entry in entries),
        sum(entry["num_failures"] for entry in entries),
        percentile(times, 0.95),
    )


def _by_second(entries: Sequence[Mapping[str, Any]], field: str) -> Mapping[int, int]:
    counts: Counter[int] = Counter()
    for entry in entries:
        counts.update({int(at): count for at, count in entry[field].items()})
    return dict(sorted(counts.items()))

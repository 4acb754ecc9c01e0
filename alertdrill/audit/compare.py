"""Compare the requests sent with a source's counts, by request id or by number. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CountSource:
    """The requests that one source counted.

    `duplicated` maps an id to its count if that is more than one. `unexpected` are ids that were
    never sent. `retried` counts the extra requests that the load balancer's retries explain. A
    source without ids leaves these empty.
    """

    name: str
    expected: int
    counted: int
    retried: int = 0
    missing: Sequence[str] = ()
    duplicated: Mapping[str, int] = field(default_factory=dict)
    unexpected: Sequence[str] = ()

    @property
    def difference(self) -> int:
        """Return the difference to the expected count; two errors may cancel each other out."""
        return self.counted - self.retried - self.expected

    @property
    def exact(self) -> bool:
        """Return whether every request is counted exactly once."""
        named = self.missing or self.duplicated or self.unexpected
        return self.difference == 0 and not named


def compare_ids(
    name: str,
    sent: Sequence[str],
    seen: Mapping[str, int],
    retries: Mapping[str, int] | None = None,
) -> CountSource:
    """Return a source that knows the ids; `seen` is how often it has each of them.

    `retries` is how often the load balancer sent a request once more, by its id.
    """
    spare = {id_: min((retries or {}).get(id_, 0), max(0, seen.get(id_, 0) - 1)) for id_ in sent}
    return CountSource(
        name,
        expected=len(sent),
        counted=sum(seen.values()),
        retried=sum(spare.values()),
        missing=[id_ for id_ in sent if not seen.get(id_)],
        duplicated={id_: seen[id_] for id_ in sent if seen.get(id_, 0) - spare[id_] > 1},
        unexpected=sorted(id_ for id_, count in seen.items() if count and id_ not in spare),
    )


def compare_count(name: str, expected: int, counted: int, retries: int = 0) -> CountSource:
    """Return a source that only counts; up to `retries` more are explained."""
    return CountSource(name, expected, counted, retried=min(retries, max(0, counted - expected)))

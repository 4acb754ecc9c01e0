"""Compare what was sent with what a party has, by request id or by number alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Party:
    """What one party has of the requests that were sent.

    `doubled` says how often it has an id that should be there once, and `strange` are ids that
    nobody sent. `explained` is how many it has beyond the rest because the load balancer sent them
    again. A party that only counts names none.
    """

    name: str
    expected: int
    counted: int
    explained: int = 0
    missing: Sequence[str] = ()
    doubled: Mapping[str, int] = field(default_factory=dict)
    strange: Sequence[str] = ()

    @property
    def difference(self) -> int:
        """Return by how many it is off; two errors may cancel each other out."""
        return self.counted - self.explained - self.expected

    @property
    def exact(self) -> bool:
        """Tell whether it has every request as often as it should."""
        named = self.missing or self.doubled or self.strange
        return self.difference == 0 and not named


def by_id(
    name: str, sent: Sequence[str], seen: Mapping[str, int], again: Mapping[str, int] | None = None
) -> Party:
    """Return a party that knows the ids; `seen` is how often it has each of them.

    `again` is how often the load balancer sent a request once more, by its id.
    """
    spare = {id_: min((again or {}).get(id_, 0), max(0, seen.get(id_, 0) - 1)) for id_ in sent}
    return Party(
        name,
        expected=len(sent),
        counted=sum(seen.values()),
        explained=sum(spare.values()),
        missing=[id_ for id_ in sent if not seen.get(id_)],
        doubled={id_: seen[id_] for id_ in sent if seen.get(id_, 0) - spare[id_] > 1},
        strange=sorted(id_ for id_, count in seen.items() if count and id_ not in spare),
    )


def by_count(name: str, expected: int, counted: int, again: int = 0) -> Party:
    """Return a party that only counts; up to `again` more are explained."""
    return Party(name, expected, counted, explained=min(again, max(0, counted - expected)))

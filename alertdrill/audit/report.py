"""What came of a run, for programs (JSON) and for CI (JUnit's XML). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import junit as xml
from ..junit import Case
from .client import Failure
from .compare import Party

# A failure in JUnit's XML is for people, who have the JSON for the rest.
SHOWN = 20


@dataclass(frozen=True)
class Done:
    """A step that was done: after how many requests, and how many seconds it took."""

    step: str
    after: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """A run; moments are seconds since 1970.

    `store` is what kept the lines (Loki or its stand-in), None where there was none; `retries` are
    the load balancer's, by service.
    """

    began: float
    ended: float
    runtime: str
    stack: str
    store: str | None
    requests: int
    rate: float
    rounds: int
    steps: Sequence[Done]
    failures: Sequence[Failure]
    retries: Mapping[str, int]
    parties: Sequence[Party]
    notes: Sequence[str] = ()

    @property
    def exact(self) -> bool:
        """Tell whether every party has every request once."""
        return not self.failures and all(party.exact for party in self.parties)


def as_json(report: Report) -> str:
    """Return all of it, with each party's difference and whether it is exact."""
    found: dict[str, Any] = {"exact": report.exact, **asdict(report)}
    for party, written in zip(report.parties, found["parties"], strict=True):
        written.update(difference=party.difference, exact=party.exact)
    return json.dumps(found, indent=2) + "\n"


def complaints(party: Party) -> Iterator[str]:
    """Yield a sentence for everything that a party has not as it should."""
    yield from (f"{party.name} misses {id_}" for id_ in party.missing)
    yield from (f"{party.name} has {id_} {count} times" for id_, count in party.doubled.items())
    yield from (f"{party.name} has {id_}, which nobody sent" for id_ in party.strange)
    if party.difference and not (party.missing or party.doubled or party.strange):
        yield f"{party.name} is off by {party.difference:+}"


def junit(report: Report) -> str:
    """Return JUnit's XML: one test case a party."""
    cases = [Case("audit", party.name, failure=_fault(party)) for party in report.parties]
    return xml.to_xml("audit", cases, report.began, report.ended - report.began)


def _fault(party: Party) -> xml.Failure | None:
    if party.exact:
        return None
    said = list(complaints(party))
    return xml.Failure("difference", said[0], "\n".join(said[:SHOWN]))

"""The result of an audit, as JSON and as JUnit XML. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import junit as xml
from ..junit import Case
from .client import Failure
from .compare import CountSource

# People read the failures in JUnit XML; the JSON has all of them.
MAX_SHOWN = 20


@dataclass(frozen=True)
class CompletedStep:
    """A completed step: the number of requests before it, and its seconds."""

    step: str
    after: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """The result of an audit; times are in seconds since 1970.

    `store` is the store of the lines (Loki or its fake), None without one; `retries` are the load
    balancer's, by service.
    """

    began: float
    ended: float
    runtime: str
    stack: str
    store: str | None
    requests: int
    rate: float
    rounds: int
    steps: Sequence[CompletedStep]
    failures: Sequence[Failure]
    retries: Mapping[str, int]
    sources: Sequence[CountSource]
    notes: Sequence[str] = ()

    @property
    def exact(self) -> bool:
        """Return whether every source counted every request once."""
        return not self.failures and all(source.exact for source in self.sources)


def as_json(report: Report) -> str:
    """Return the report as JSON, with each source's difference and whether it is exact."""
    document: dict[str, Any] = {"exact": report.exact, **asdict(report)}
    for source, written in zip(report.sources, document["sources"], strict=True):
        written.update(difference=source.difference, exact=source.exact)
    return json.dumps(document, indent=2) + "\n"


def describe_differences(source: CountSource) -> Iterator[str]:
    """Yield one message for each difference of a source."""
    yield from (f"{source.name} misses {id_}" for id_ in source.missing)
    yield from (
        f"{source.name} has {id_} {count} times" for id_, count in source.duplicated.items()
    )
    yield from (f"{source.name} has {id_}, which was never sent" for id_ in source.unexpected)
    if source.difference and not (source.missing or source.duplicated or source.unexpected):
        yield f"{source.name} is off by {source.difference:+}"


def junit(report: Report) -> str:
    """Return JUnit XML with one test case for each source."""
    cases = [Case("audit", source.name, failure=_fault(source)) for source in report.sources]
    return xml.to_xml("audit", cases, report.began, report.ended - report.began)


def _fault(source: CountSource) -> xml.Failure | None:
    if source.exact:
        return None
    lines = list(describe_differences(source))
    return xml.Failure("difference", lines[0], "\n".join(lines[:MAX_SHOWN]))

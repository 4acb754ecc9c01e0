"""What every source counted, and the report: as JSON, as JUnit XML and on a terminal. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text

from ..report import junit as xml
from .client import Failure

# One screen of lines in JUnit XML and on a terminal; the JSON has all of them.
MAX_SHOWN = 20


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
        return not self.differences()

    def differences(self) -> Sequence[str]:
        """Return one message for each difference."""
        named = [
            *(f"{self.name} misses {id_}" for id_ in self.missing),
            *(f"{self.name} has {id_} {count} times" for id_, count in self.duplicated.items()),
            *(f"{self.name} has {id_}, which was never sent" for id_ in self.unexpected),
        ]
        off = [f"{self.name} is off by {self.difference:+}"] if self.difference else []
        return named or off


def compare_ids(
    name: str, sent: Sequence[str], seen: Mapping[str, int], retries: Mapping[str, int]
) -> CountSource:
    """Return a source that knows the ids; `seen` is how often it has each of them.

    `retries` is how often the load balancer sent a request once more, by its id.
    """
    spare = {id_: min(retries.get(id_, 0), max(0, seen.get(id_, 0) - 1)) for id_ in sent}
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


def junit(report: Report) -> str:
    """Return JUnit XML with one test case for each source."""
    cases = []
    for source in report.sources:
        lines = source.differences()[:MAX_SHOWN]
        failure = xml.Failure("difference", lines[0], "\n".join(lines)) if lines else None
        cases.append(xml.Case("audit", source.name, failure=failure))
    return xml.to_xml("audit", cases, report.began, report.ended - report.began)


def count_table(report: Report) -> Table:
    """Return the table of counts and differences."""
    table = Table("Source", box=None, pad_edge=False)
    for title in ("Counted", "Difference", "Missing", "Duplicated", "Retried"):
        table.add_column(title, justify="right")
    for source in report.sources:
        sign, style = ("✓", "green") if source.exact else ("✗", "bold red")
        table.add_row(
            Text.assemble((f"{sign} ", style), source.name),
            str(source.counted),
            f"{source.difference:+}" if source.difference else "0",
            str(len(source.missing)),
            str(len(source.duplicated)),
            str(source.retried),
        )
    return table


def difference_lines(report: Report) -> Sequence[str]:
    """Return a message for each difference, the first 20."""
    lines = [f"{failure.id} failed: {failure.error}" for failure in report.failures]
    for source in report.sources[1:]:  # the client's differences are the failures
        lines += source.differences()
    more = [f"and {len(lines) - MAX_SHOWN} more, in report.json"] if len(lines) > MAX_SHOWN else []
    return [*lines[:MAX_SHOWN], *more]


def summary(report: Report) -> str:
    """Return the result in one line."""
    restarts = sum(done.step.startswith("restart") for done in report.steps)
    scalings = len(report.steps) - restarts
    again = ", ".join(f"{name} {count}" for name, count in report.retries.items())
    judged = "every source counted each of them once" if report.exact else "counts DIFFER"
    return (
        f"{report.requests} requests through {restarts} restarts and {scalings} changes of scale:"
        f" {judged}. Retries of the load balancer: {again}."
    )

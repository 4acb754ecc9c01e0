"""The result of an audit: as JSON, as JUnit XML and on a terminal. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ..drills.report.junit import Case, Failure, to_xml
from . import client
from .compare import CountSource

# One screen of lines in JUnit XML and on a terminal; the JSON has all of them.
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
    failures: Sequence[client.Failure]
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
    cases = [Case("audit", source.name, failure=_failure(source)) for source in report.sources]
    return to_xml("audit", cases, report.began, report.ended - report.began)


def _failure(source: CountSource) -> Failure | None:
    if source.exact:
        return None
    lines = list(describe_differences(source))
    return Failure("difference", lines[0], "\n".join(lines[:MAX_SHOWN]))


def describe_differences(source: CountSource) -> Iterator[str]:
    """Yield one message for each difference of a source."""
    yield from (f"{source.name} misses {id_}" for id_ in source.missing)
    yield from (
        f"{source.name} has {id_} {count} times" for id_, count in source.duplicated.items()
    )
    yield from (f"{source.name} has {id_}, which was never sent" for id_ in source.unexpected)
    if source.difference and not (source.missing or source.duplicated or source.unexpected):
        yield f"{source.name} is off by {source.difference:+}"


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
        lines += describe_differences(source)
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

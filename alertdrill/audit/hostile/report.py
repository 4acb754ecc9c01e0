"""The report of a hostile audit: as JSON, as JUnit XML, on a terminal, and the inputs to repeat."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from ...report import junit as xml
from ..report import MAX_SHOWN, CountSource
from .inputs import Input
from .matching import Line

# A terminal's line; the file of inputs has all bytes.
MAX_SHOWN_BYTES = 300


@dataclass(frozen=True)
class Offender:
    """What is wrong with an input; None if it is not known which."""

    reason: str
    input: Input | None = None
    lines: Sequence[Line] = ()

    def __str__(self) -> str:
        """Return the reason and the first bytes of the input, escaped."""
        if self.input is None:
            return f"{self.reason}; lines: {[asdict(line) for line in self.lines]}"
        data = self.input.data
        more = f" … ({len(data)} bytes)" if len(data) > MAX_SHOWN_BYTES else ""
        shown = f"{data[:MAX_SHOWN_BYTES]!r}{more}"
        return f"input {self.input.number} ({self.input.kind}): {self.reason}: {shown}"


@dataclass(frozen=True)
class HostileReport:
    """The result of a hostile audit; times are in seconds since 1970.

    `statuses` are the responses by kind of input and status (0: none); `rate` is inputs per second.
    """

    began: float
    ended: float
    runtime: str
    stack: str
    seed: int
    inputs: int
    rate: float
    statuses: Mapping[str, Counter[int]]
    counters: Sequence[CountSource]
    offenders: Sequence[Offender]
    notes: Sequence[str] = ()

    @property
    def exact(self) -> bool:
        """Return whether everything is explained, without a server error or a hang."""
        return not self.offenders and all(source.exact for source in self.counters)


def as_json(report: HostileReport) -> str:
    """Return the report as JSON, without the bytes of the inputs."""
    document = {
        "exact": report.exact,
        **{name: getattr(report, name) for name in report.__dataclass_fields__},
        "counters": [
            {**asdict(source), "difference": source.difference} for source in report.counters
        ],
        "offenders": [
            {
                "reason": offender.reason,
                "number": offender.input.number if offender.input else None,
                "kind": offender.input.kind if offender.input else None,
                "lines": [asdict(line) for line in offender.lines],
            }
            for offender in report.offenders
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def offending_inputs(report: HostileReport) -> str:
    """Return the inputs that failed, each once, one a line."""
    items = {item.input.number: item.input for item in report.offenders if item.input}
    return "".join(f"{item.to_json()}\n" for item in items.values())


def junit(report: HostileReport) -> str:
    """Return JUnit XML: one test case for the inputs, and one for each counter."""
    lines = [str(offender) for offender in report.offenders[:MAX_SHOWN]]
    failure = xml.Failure("input", lines[0], "\n".join(lines)) if lines else None
    cases = [xml.Case("hostile", "every answer is explained", failure=failure)]
    for source in report.counters:
        differences = source.differences()
        failure = xml.Failure("difference", differences[0]) if differences else None
        cases.append(xml.Case("hostile", source.name, failure=failure))
    return xml.to_xml("hostile", cases, report.began, report.ended - report.began)


def kind_table(report: HostileReport) -> Table:
    """Return the table of responses by kind of input."""
    table = Table("Kind of input", box=None, pad_edge=False)
    classes = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
    for title in classes:
        table.add_column(title, justify="right")
    for kind, statuses in report.statuses.items():
        counts: Counter[int] = Counter()
        for status, count in statuses.items():
            counts[status // 100] += count
        table.add_row(kind, *(str(counts[number]) for number in range(len(classes))))
    return table


def problem_lines(report: HostileReport) -> Sequence[str]:
    """Return a message for each failure, the first 20."""
    lines = [str(offender) for offender in report.offenders]
    for source in report.counters:
        lines += source.differences()
    more = [f"and {len(lines) - MAX_SHOWN} more, in report.json"] if len(lines) > MAX_SHOWN else []
    return [*lines[:MAX_SHOWN], *more]


def summary(report: HostileReport) -> str:
    """Return the result in one line."""
    responses = sum(statuses.total() - statuses[0] for statuses in report.statuses.values())
    judged = "all explained" if report.exact else f"{len(report.offenders)} FAILURES"
    return (
        f"{report.inputs} inputs of seed {report.seed}, {report.rate:.0f} per second, {responses}"
        f" responses: {judged}."
    )

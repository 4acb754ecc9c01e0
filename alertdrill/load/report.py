"""The result of a load, as one self-contained HTML page, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2

from .. import junit as xml
from ..drills.report.axis import Scale, domain, ticks
from ..drills.report.chart_layout import SvgLine, Tick, line_labels
from ..drills.report.formats import duration, number, utc_time
from ..drills.report.svg_path import path, split_at_gaps
from ..drills.result import Line
from ..junit import Case, Failure
from .gates import GateResult
from .locust import LocustStats, RequestStats
from .measurements import Event, TimeSpan
from .profile import LoadProfile


@dataclass(frozen=True)
class Report:
    """The result of a load; times are in seconds since 1970.

    `time_series` are Prometheus's, by title; `events` are alerts and actions during the load.
    """

    profile: LoadProfile
    users: int
    began: float
    ended: float
    runtime: str
    locust: LocustStats
    prometheus: RequestStats
    gates: Sequence[GateResult]
    time_series: Mapping[str, Sequence[Line]]
    events: Sequence[Event] = ()

    @property
    def passed(self) -> bool:
        """Return whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.ended - self.began


def write(report: Report, folder: Path) -> Path:
    """Write HTML, JSON and JUnit XML into a folder; return the HTML file."""
    return write_files(folder, html(report), as_json(report), junit(report))


def write_files(folder: Path, html_text: str, json_text: str, junit_xml: str) -> Path:
    """Write the three files of a report into a folder; return the HTML file."""
    page = folder / "index.html"
    page.write_text(html_text, encoding="utf-8")
    (folder / "report.json").write_text(json_text, encoding="utf-8")
    (folder / "junit.xml").write_text(junit_xml, encoding="utf-8")
    return page


def as_json(report: Report) -> str:
    """Return the report as JSON, without the time series, which Prometheus keeps."""
    document: dict[str, Any] = {
        "passed": report.passed,
        "shape": report.profile.name,
        "users": report.users,
        "began": report.began,
        "ended": report.ended,
        "runtime": report.runtime,
        "gates": [asdict(gate) for gate in report.gates],
        "locust": asdict(report.locust.total),
        "prometheus": asdict(report.prometheus),
        "events": [asdict(event) for event in report.events],
        "requests": [
            {"method": method, "name": name, **asdict(stats)}
            for (method, name), stats in report.locust.requests.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def junit(report: Report) -> str:
    """Return JUnit XML with one test case for each gate."""
    cases = [_case(f"loads.{report.profile.name}", gate) for gate in report.gates]
    return xml.to_xml("loads", cases, report.began, report.seconds)


def _case(suite: str, gate: GateResult) -> Case:
    text = sentence(gate)
    failure = None if gate.passed else Failure("objective", text)
    return Case(suite, gate.name, failure=failure, output=text)


def sentence(gate: GateResult) -> str:
    """Return the objective and both measurements as a sentence."""
    locust, prometheus = gate.values
    return f"{gate.name}: {gate.objective}; Locust has {locust}, Prometheus {prometheus}."


TEMPLATES = jinja2.Environment(
    # Shares the style of the drill report.
    loader=jinja2.ChoiceLoader(
        [jinja2.PackageLoader(__package__), jinja2.PackageLoader("alertdrill.drills.report")]
    ),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# A chart in pixels: four fit on a screen.
WIDTH, HEIGHT = 1130.0, 150.0
LEFT, RIGHT, ABOVE, BELOW = 52.0, 16.0, 8.0, 24.0
TICK_SPACING = 75.0
# The height of an event's row, and the minimum width of a short event.
ROW_HEIGHT, MIN_BAR_WIDTH = 20.0, 3.0


@dataclass(frozen=True)
class Plot:
    """A chart, laid out in pixels from the top left corner."""

    title: str
    lines: Sequence[SvgLine]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    width: float = WIDTH
    height: float = ABOVE + HEIGHT + BELOW
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = ABOVE + HEIGHT


def html(report: Report) -> str:
    """Return the HTML page."""
    span = TimeSpan(report.began, report.ended)
    facts = [
        ("Shape", report.profile.name),
        ("Clients", f"{report.users} at most"),
        ("Began", utc_time(report.began)),
        ("Took", duration(report.seconds)),
        ("Runtime", report.runtime),
    ]
    plots = [lay_out_chart(title, lines, span) for title, lines in _chart_series(report).items()]
    rows = [lay_out_event(event, span) for event in report.events]
    template = TEMPLATES.get_template("load.html")
    return template.render(
        profile=report.profile, report=report, facts=facts, plots=plots, bars=rows, row=ROW_HEIGHT
    )


def _chart_series(report: Report) -> Mapping[str, Sequence[Line]]:
    """Return the series of each chart: Prometheus's, Locust's and the objective."""
    series, locust = report.time_series, report.locust
    failed = {at: locust.failures.get(at, 0) for at in locust.rate}
    limit = [(at, report.profile.objectives.p95) for at in (report.began, report.ended)]
    p95 = [
        *_named(series["p95, seconds"], "clients"),
        *_named(series["p95 of web, seconds"], "web only, without waiting for a worker thread"),
        Line({"": "objective"}, limit),
    ]
    if recovery := report.profile.recovery:
        begin, end = report.profile.peak(report.began, report.seconds)
        since = min(begin + recovery.deadline, end)
        p95.append(
            Line({"": "objective for the rest"}, [(since, recovery.p95), (end, recovery.p95)])
        )
    return {
        "Requests per second": [
            *_named(series["requests per second"], "Prometheus"),
            _by_second("Locust", locust.rate),
        ],
        "95th percentile latency, seconds": p95,
        "Failed requests per second": [
            *_named(series["failed per second"], "Prometheus"),
            _by_second("Locust", failed),
        ],
        "Ready instances": [
            Line({"": line.labels.get("service", "")}, line.points) for line in series["instances"]
        ],
    }


def _named(lines: Sequence[Line], name: str) -> Sequence[Line]:
    return [Line({"": name}, line.points) for line in lines]


def _by_second(name: str, counted: Mapping[int, int]) -> Line:
    return Line({"": name}, [(float(at), float(value)) for at, value in counted.items()])


@dataclass(frozen=True)
class Bar:
    """An event on the time axis, in pixels from the left."""

    kind: str
    label: str
    begin: float
    end: float
    description: str


def lay_out_event(event: Event, span: TimeSpan) -> Bar:
    """Lay out an event; one without an end extends to the right."""
    across = Scale(0.0, max(span.seconds, 1.0), LEFT, WIDTH - RIGHT)
    began = max(0.0, event.began - span.begin)
    has_ended = event.ended is not None and event.ended <= span.end
    ended = min(span.seconds, event.ended - span.begin) if event.ended else span.seconds
    description = f"{began:.0f} s to {ended:.0f} s" if has_ended else f"from {began:.0f} s"
    begin = across(began)
    return Bar(
        event.kind, event.name, begin, max(across(ended), begin + MIN_BAR_WIDTH), description
    )


def lay_out_chart(title: str, lines: Sequence[Line], span: TimeSpan) -> Plot:
    """Lay out a chart; without values it has only axes."""
    # The axis starts at 0, so that heights are proportional.
    low, high = domain([0.0, *(value for line in lines for _, value in line.points)])
    across = Scale(0.0, max(span.seconds, 1.0), LEFT, WIDTH - RIGHT)
    up = Scale(low, high, ABOVE + HEIGHT, ABOVE)
    names = [name.removeprefix("=") for name in line_labels(lines)]

    def draw(line: Line, colour: int) -> SvgLine:
        segments = [
            [(across(at - span.begin), up(value)) for at, value in segment]
            for segment in split_at_gaps(line.points)
        ]
        last = segments[-1][-1][1] if segments else ABOVE
        return SvgLine(path(segments), names[colour], colour % 8, last)

    count = round((across.end - LEFT) / TICK_SPACING)
    return Plot(
        title,
        [draw(line, colour) for colour, line in enumerate(lines)],
        [Tick(across(at), number(at)) for at in ticks(0.0, across.high, count)],
        [Tick(up(at), number(at)) for at in ticks(low, high, 3)],
    )

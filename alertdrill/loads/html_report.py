"""The report of a load as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2

from ..drills.report.axis import Scale, domain, ticks
from ..drills.report.chart_layout import SvgLine, Tick, line_labels
from ..drills.report.formats import duration, number, utc_time
from ..drills.report.svg_path import path, split_at_gaps
from ..drills.result import Line
from .events import Event
from .measurements import TimeSpan
from .report import Report

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

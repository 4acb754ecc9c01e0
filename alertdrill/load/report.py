"""The result of a load, as one self-contained HTML page, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ..clients.prometheus import Line
from ..report.chart import LINE_COLOURS, Frame, annotate, colour, draw, include_zero, plot_line
from ..report.junit import Case, Failure, to_xml
from ..report.page import TEMPLATES, duration, utc_time
from .gates import GateResult
from .locust import LocustStats, RequestStats
from .measurements import Event
from .profile import LoadProfile

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    return to_xml("loads", cases, report.began, report.seconds)


def _case(suite: str, gate: GateResult) -> Case:
    text = sentence(gate)
    failure = None if gate.passed else Failure("objective", text)
    return Case(suite, gate.name, failure=failure, output=text)


def sentence(gate: GateResult) -> str:
    """Return the objective and both measurements as a sentence."""
    locust, prometheus = gate.values
    return f"{gate.name}: {gate.objective}; Locust has {locust}, Prometheus {prometheus}."


# A chart in pixels: four fit on a screen.
FRAME = Frame(width=1062.0, height=150.0, top=22.0, right=16.0, bottom=26.0)
# The height of an event's row, and the width of a short event as a share of the chart.
ROW_HEIGHT, MIN_WIDTH = 20.0, 0.003
SIGNS = {"alert": "▲", "action": "●"}
OBJECTIVE = "objective"


def html(report: Report) -> str:
    """Return the HTML page."""
    facts = [
        ("Shape", report.profile.name),
        ("Clients", f"{report.users} at most"),
        ("Began", utc_time(report.began)),
        ("Took", duration(report.seconds)),
        ("Runtime", report.runtime),
    ]
    plots = [
        (title, _chart(title, lines, report), [line.labels[""] for line in lines])
        for title, lines in _chart_series(report).items()
    ]
    template = TEMPLATES.get_template("load.html")
    return template.render(
        profile=report.profile,
        report=report,
        facts=facts,
        plots=plots,
        events=_events_chart(report) if report.events else "",
    )


def _chart_series(report: Report) -> Mapping[str, Sequence[Line]]:
    """Return the series of each chart: Prometheus's, Locust's and the objective."""
    series, locust, service = report.time_series, report.locust, report.profile.service
    failed = {at: locust.failures.get(at, 0) for at in locust.rate}
    limit = [(at, report.profile.objectives.p95) for at in (report.began, report.ended)]
    p95 = [
        *_named(series["p95, seconds"], "clients"),
        *_named(
            series["p95 of the service, seconds"],
            f"{service} only, without waiting for a worker thread",
        ),
        Line({"": OBJECTIVE}, limit),
    ]
    if recovery := report.profile.recovery:
        begin, end = report.profile.peak(report.began, report.seconds)
        since = min(begin + recovery.deadline, end)
        p95.append(
            Line({"": f"{OBJECTIVE} for the rest"}, [(since, recovery.p95), (end, recovery.p95)])
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


def _chart(title: str, lines: Sequence[Line], report: Report) -> Markup:
    """Return the chart of a load's lines; a dashed line marks the start of each event."""

    def paint(axes: Axes) -> None:
        _set_time_axis(axes, report)
        for event in report.events:
            at = max(0.0, event.began - report.began)
            mark = colour("bad" if event.kind == "alert" else "soft")
            axes.axvline(at, color=mark, linewidth=1, linestyle=(0, (2, 4)))
            style = {"horizontalalignment": "center", "color": colour("soft")}
            transform = axes.get_xaxis_transform()
            annotate(axes, SIGNS[event.kind], (at, 1.0), (0, 4), xycoords=transform, **style)
        for index, line in enumerate(lines):
            dashes = {"linestyle": (0, (2, 4))} if line.labels[""].startswith(OBJECTIVE) else {}
            points = [(at - report.began, value) for at, value in line.points]
            plot_line(axes, points, color=colour(f"c{index % LINE_COLOURS}"), **dashes)
        # The axis starts at 0, so that heights are proportional.
        axes.update_datalim([(0.0, 0.0)])
        include_zero(axes)

    return draw(FRAME, f"{title} over time", ", ".join(line.labels[""] for line in lines), paint)


def _events_chart(report: Report) -> Markup:
    """Return a bar for each event; one without an end extends to the right."""
    texts = [_event_text(event, report) for event in report.events]
    frame = replace(FRAME, height=ROW_HEIGHT * len(texts), top=8.0)

    def paint(axes: Axes) -> None:
        _set_time_axis(axes, report)
        axes.set_ylim(len(texts), 0)
        axes.set_yticks([])
        for row, (event, text) in enumerate(zip(report.events, texts, strict=True)):
            begin, end = _within(event, report)
            width = max(end - begin, MIN_WIDTH * report.seconds)
            axes.barh(row + 0.5, width, height=0.7, left=begin, color=colour(event.kind))
            is_late = begin > 0.6 * report.seconds
            axes.annotate(
                text,
                (begin, row + 0.5),
                xytext=(-6 if is_late else 6, 0),
                textcoords="offset points",
                horizontalalignment="right" if is_late else "left",
                verticalalignment="center_baseline",
                gid="class event",
            )

    return draw(frame, "Alerts and actions over time", ", ".join(texts), paint)


def _set_time_axis(axes: Axes, report: Report) -> None:
    axes.set_xlim(0.0, max(report.seconds, 1.0))


def _within(event: Event, report: Report) -> tuple[float, float]:
    """Return begin and end of an event, as seconds of the load."""
    end = report.seconds if event.ended is None else event.ended - report.began
    return max(0.0, event.began - report.began), min(report.seconds, end)


def _event_text(event: Event, report: Report) -> str:
    begin, end = _within(event, report)
    has_ended = event.ended is not None and event.ended <= report.ended
    span = f"{begin:.0f} s to {end:.0f} s" if has_ended else f"from {begin:.0f} s"
    return f"{SIGNS[event.kind]} {event.name}, {span}"

"""The result of a load or of a search, as one self-contained HTML page, JSON and JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ..report.chart import LINE_COLOURS, Frame, annotate, colour, draw, include_zero, plot_line
from ..report.junit import Case, Failure, to_xml
from ..report.page import TEMPLATES, duration, milliseconds, utc_time, write_files
from .capacity import Capacity
from .result import LoadResult, Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A chart in pixels: four fit on a screen.
FRAME = Frame(width=1062.0, height=150.0, top=22.0, right=16.0, bottom=26.0)
# The height of an event's row, and the width of a short event as a share of the chart.
ROW_HEIGHT, MIN_WIDTH = 20.0, 0.003
SIGNS = {"alert": "▲", "action": "●"}
DOTS = (0, (2, 4))


def write(result: LoadResult, folder: Path) -> Path:
    """Write HTML, JSON and JUnit XML, with a test case for each gate; return the HTML file."""
    cases = []
    for gate in result.gates:
        locust, prometheus = gate.values
        text = f"{gate.name}: {gate.objective}; Locust has {locust}, Prometheus {prometheus}."
        failure = None if gate.passed else Failure("objective", text)
        cases.append(Case(f"loads.{result.profile.name}", gate.name, failure=failure, output=text))
    junit = to_xml("loads", cases, result.span.begin, result.span.seconds)
    return write_files(folder, html(result), _document(result), junit)


def write_capacity(capacity: Capacity, folder: Path) -> Path:
    """Write HTML, JSON and JUnit XML, with one test case: a capacity was found."""
    first, text = capacity.steps[0], str(capacity)
    failure = None if capacity.best else Failure("objective", text)
    case = Case("loads.capacity", "capacity", failure=failure, output=text)
    took = sum(step.profile.counted_seconds for step in capacity.steps)
    document = {
        "capacity": capacity.rate if capacity.best else None,
        "limit_found": capacity.limit_found,
        "instances": capacity.best.instances if capacity.best else {},
        "per_instance": capacity.per_instance,
        "began": first.span.begin,
        "runtime": first.runtime,
        "steps": [_document(step) for step in capacity.steps],
    }
    junit = to_xml("loads", [case], first.span.begin, took)
    return write_files(folder, capacity_html(capacity), document, junit)


def _document(result: LoadResult) -> Mapping[str, Any]:
    """Return the result for JSON, without the time series, which Prometheus keeps."""
    return {
        "passed": result.passed,
        "shape": result.profile.name,
        "users": result.profile.users,
        "began": result.span.begin,
        "ended": result.span.end,
        "runtime": result.runtime,
        "rate": result.rate,
        "instances": result.instances,
        "gates": result.gates,
        "locust": result.locust.total,
        "prometheus": result.prometheus,
        "events": result.events,
        "requests": [
            {"method": method, "name": name, **vars(stats)}
            for (method, name), stats in result.locust.requests.items()
        ],
    }


def capacity_html(capacity: Capacity) -> str:
    """Return the HTML page of a search; it links to the steps' reports beside it."""
    first = capacity.steps[0]
    p95, errors = first.profile.p95, first.profile.objectives.errors
    return TEMPLATES.get_template("capacity.html").render(
        profile=first.profile,
        facts=[
            ("Began", utc_time(first.span.begin)),
            ("Runtime", first.runtime),
            ("Objectives", f"p95 at most {milliseconds(p95)}, errors at most {errors:.1%}"),
        ],
        steps=sorted(capacity.steps, key=lambda step: step.profile.users),
        widest=max(step.rate for step in capacity.steps),
        sentence=str(capacity),
    )


def html(result: LoadResult) -> str:
    """Return the HTML page of a load."""
    facts = [
        ("Shape", result.profile.name),
        ("Clients", f"{result.profile.users} at most"),
        ("Began", utc_time(result.span.begin)),
        ("Took", duration(result.span.seconds)),
        ("Runtime", result.runtime),
    ]
    return TEMPLATES.get_template("load.html").render(
        profile=result.profile,
        report=result,
        facts=facts,
        plots=[
            (title, _chart(title, lines, result), list(lines))
            for title, lines in result.charts.items()
        ],
        events=_events_chart(result) if result.events else "",
    )


def _chart(title: str, lines: Mapping[str, Points], result: LoadResult) -> Markup:
    """Return the chart of a load's lines; a dashed line marks the start of each event."""
    begin = result.span.begin

    def paint(axes: Axes) -> None:
        axes.set_xlim(0.0, max(result.span.seconds, 1.0))
        style: dict[str, Any]
        for event in result.events:
            at = max(0.0, event.began - begin)
            mark = colour("bad" if event.kind == "alert" else "soft")
            axes.axvline(at, color=mark, linewidth=1, linestyle=DOTS)
            style = {"horizontalalignment": "center", "color": colour("soft")}
            style["xycoords"] = axes.get_xaxis_transform()
            annotate(axes, SIGNS[event.kind], (at, 1.0), (0, 4), **style)
        for index, (label, points) in enumerate(lines.items()):
            style = {"linestyle": DOTS} if label.startswith("objective") else {}
            style["color"] = colour(f"c{index % LINE_COLOURS}")
            plot_line(axes, [(at - begin, value) for at, value in points], **style)
        axes.update_datalim([(0.0, 0.0)])  # so that heights are proportional
        include_zero(axes)

    return draw(FRAME, f"{title} over time", ", ".join(lines), paint)


def _events_chart(result: LoadResult) -> Markup:
    """Return a bar for each event; one without an end extends to the right."""
    span, bars = result.span, list[tuple[float, float, str, str]]()
    for event in result.events:
        begin, end = max(0.0, event.began - span.begin), span.seconds
        text = f"{SIGNS[event.kind]} {event.name}, from {begin:.0f} s"
        if event.ended is not None and event.ended <= span.end:
            end = event.ended - span.begin
            text = f"{SIGNS[event.kind]} {event.name}, {begin:.0f} s to {end:.0f} s"
        bars.append((begin, max(end - begin, MIN_WIDTH * span.seconds), event.kind, text))

    def paint(axes: Axes) -> None:
        axes.set_xlim(0.0, max(span.seconds, 1.0))
        axes.set_ylim(len(bars), 0)
        axes.set_yticks([])
        for row, (begin, width, kind, text) in enumerate(bars, 1):
            axes.barh(row - 0.5, width, height=0.7, left=begin, color=colour(kind))
            is_late = begin > 0.6 * span.seconds
            style: dict[str, Any] = {"horizontalalignment": "right" if is_late else "left"}
            style |= {"verticalalignment": "center_baseline", "gid": "class event"}
            annotate(axes, text, (begin, row - 0.5), (-6 if is_late else 6, 0), **style)

    frame = replace(FRAME, height=ROW_HEIGHT * len(bars), top=8.0)
    return draw(frame, "Alerts and actions over time", ", ".join(bar[3] for bar in bars), paint)

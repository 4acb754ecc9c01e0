"""The result of a capacity search: HTML, JSON and JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from .. import junit as xml
from ..drills.report.formats import utc_time
from ..junit import Case, Failure
from .capacity import Capacity, CapacityStep
from .gates import format_latency
from .html_report import TEMPLATES


def table(result: Capacity) -> Table:
    """Return the table of steps, by clients."""
    rows = Table("Clients", "Requests/s", "Errors", "p95", "", box=None, pad_edge=False)
    for step in sorted(result.steps, key=lambda step: step.users):
        locust, prometheus = step.measurement.locust.total, step.measurement.prometheus
        rows.add_row(
            str(step.users),
            f"{step.rate:.0f}",
            f"{locust.errors:.2%}, {prometheus.errors:.2%}",
            f"{format_latency(locust.p95)}, {format_latency(prometheus.p95)}",
            "[green]✓ holds[/]" if step.passed else f"[bold red]✗ missed: {missed(step)}[/]",
        )
    return rows


def missed(step: CapacityStep) -> str:
    """Return the objectives that a step missed."""
    return ", ".join(gate.name for gate in step.measurement.gates if not gate.passed)


def sentence(result: Capacity) -> str:
    """Return the capacity, in all and per instance, as a sentence."""
    if result.best is None:
        return "The first step misses its objectives: start with fewer clients (--users)."
    at_least = "" if result.limit_found else "at least "
    shares = ", ".join(
        f"{rate:.0f} per instance of {service} ({result.best.instances[service]})"
        for service, rate in result.per_instance().items()
    )
    return f"Capacity: {at_least}{result.rate:.0f} requests/s: {shares}."


def write(result: Capacity, folder: Path) -> Path:
    """Write HTML, JSON and JUnit XML into a folder; return the HTML file."""
    page = folder / "index.html"
    page.write_text(html(result), encoding="utf-8")
    (folder / "report.json").write_text(as_json(result), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(result), encoding="utf-8")
    return page


def html(result: Capacity) -> str:
    """Return the HTML; it links to the steps' reports beside it."""
    objectives = result.profile.objectives
    facts = [
        ("Began", utc_time(result.began)),
        ("Runtime", result.runtime),
        (
            "Objectives",
            f"p95 at most {format_latency(objectives.p95)}, errors at most {objectives.errors:.1%}",
        ),
    ]
    steps = sorted(result.steps, key=lambda step: step.users)
    widest = max(step.rate for step in steps)
    template = TEMPLATES.get_template("capacity.html")
    return template.render(
        profile=result.profile,
        facts=facts,
        steps=steps,
        widest=widest,
        missed=missed,
        seconds=format_latency,
        sentence=sentence(result),
    )


def as_json(result: Capacity) -> str:
    """Return the result as JSON."""
    document: dict[str, Any] = {
        "capacity": result.rate if result.best else None,
        "limit_found": result.limit_found,
        "instances": result.best.instances if result.best else {},
        "per_instance": result.per_instance(),
        "began": result.began,
        "runtime": result.runtime,
        "steps": [_step(step) for step in result.steps],
    }
    return json.dumps(document, indent=2) + "\n"


def _step(step: CapacityStep) -> Mapping[str, Any]:
    return {
        "users": step.users,
        "rate": step.rate,
        "passed": step.passed,
        "instances": step.instances,
        "locust": asdict(step.measurement.locust.total),
        "prometheus": asdict(step.measurement.prometheus),
        "gates": [asdict(gate) for gate in step.measurement.gates],
    }


def junit(result: Capacity) -> str:
    """Return JUnit XML with one test case: a capacity was found."""
    text = sentence(result)
    failure = Failure("objective", text) if result.best is None else None
    case = Case("loads.capacity", "capacity", failure=failure, output=text)
    return xml.to_xml("loads", [case], result.began, sum(step.seconds for step in result.steps))

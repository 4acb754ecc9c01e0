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


def table(found: Capacity) -> Table:
    """Return the table of steps, by clients."""
    shown = Table("Clients", "Requests/s", "Errors", "p95", "", box=None, pad_edge=False)
    for step in sorted(found.steps, key=lambda step: step.users):
        locust, prometheus = step.measurement.locust.total, step.measurement.prometheus
        shown.add_row(
            str(step.users),
            f"{step.rate:.0f}",
            f"{locust.errors:.2%}, {prometheus.errors:.2%}",
            f"{format_latency(locust.p95)}, {format_latency(prometheus.p95)}",
            "[green]✓ holds[/]" if step.passed else f"[bold red]✗ missed: {missed(step)}[/]",
        )
    return shown


def missed(step: CapacityStep) -> str:
    """Return the objectives that a step missed."""
    return ", ".join(check.name for check in step.measurement.gates if not check.passed)


def sentence(found: Capacity) -> str:
    """Return the capacity, in all and per instance, as a sentence."""
    if found.best is None:
        return "The first step misses its objectives: start with fewer clients (--users)."
    least = "" if found.limit_found else "at least "
    shares = ", ".join(
        f"{rate:.0f} per instance of {service} ({found.best.instances[service]})"
        for service, rate in found.per_instance().items()
    )
    return f"Capacity: {least}{found.rate:.0f} requests/s: {shares}."


def write(found: Capacity, folder: Path) -> Path:
    """Write HTML, JSON and JUnit XML into a folder; return the HTML file."""
    page = folder / "index.html"
    page.write_text(html(found), encoding="utf-8")
    (folder / "report.json").write_text(as_json(found), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(found), encoding="utf-8")
    return page


def html(found: Capacity) -> str:
    """Return the HTML; it links to the steps' reports beside it."""
    facts = [
        ("Began", utc_time(found.began)),
        ("Runtime", found.runtime),
        ("Objectives", f"p95 at most {format_latency(found.profile.objectives.p95)}, errors at most"
         f" {found.profile.objectives.errors:.1%}"),
    ]  # fmt: skip
    steps = sorted(found.steps, key=lambda step: step.users)
    widest = max(step.rate for step in steps)
    template = TEMPLATES.get_template("capacity.html")
    return template.render(
        profile=found.profile,
        facts=facts,
        steps=steps,
        widest=widest,
        missed=missed,
        seconds=format_latency,
        sentence=sentence(found),
    )


def as_json(found: Capacity) -> str:
    """Return the result as JSON."""
    shown: dict[str, Any] = {
        "capacity": found.rate if found.best else None,
        "limit_found": found.limit_found,
        "instances": found.best.instances if found.best else {},
        "per_instance": found.per_instance(),
        "began": found.began,
        "runtime": found.runtime,
        "steps": [_step(step) for step in found.steps],
    }
    return json.dumps(shown, indent=2) + "\n"


def _step(step: CapacityStep) -> Mapping[str, Any]:
    return {
        "users": step.users,
        "rate": step.rate,
        "passed": step.passed,
        "instances": step.instances,
        "locust": asdict(step.measurement.locust.total),
        "prometheus": asdict(step.measurement.prometheus),
        "gates": [asdict(check) for check in step.measurement.gates],
    }


def junit(found: Capacity) -> str:
    """Return JUnit XML with one test case: a capacity was found."""
    said = sentence(found)
    fault = Failure("objective", said) if found.best is None else None
    case = Case("loads.capacity", "capacity", failure=fault, output=said)
    return xml.to_xml("loads", [case], found.began, sum(step.seconds for step in found.steps))

"""What came of a search for the capacity: for people, for programs (JSON) and for CI (JUnit)."""

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
from .capacity import Capacity, Step
from .page import TEMPLATES
from .verdict import seconds


def table(found: Capacity) -> Table:
    """Return the steps, by the number of clients."""
    shown = Table("Clients", "Requests/s", "Errors", "p95", "", box=None, pad_edge=False)
    for step in sorted(found.steps, key=lambda step: step.users):
        locust, prometheus = step.measured.locust.total, step.measured.prometheus
        shown.add_row(
            str(step.users),
            f"{step.rate:.0f}",
            f"{locust.errors:.2%}, {prometheus.errors:.2%}",
            f"{seconds(locust.p95)}, {seconds(prometheus.p95)}",
            "[green]✓ holds[/]" if step.held else f"[bold red]✗ missed: {missed(step)}[/]",
        )
    return shown


def missed(step: Step) -> str:
    """Name the objectives that a step missed."""
    return ", ".join(check.what for check in step.measured.checks if not check.passed)


def sentence(found: Capacity) -> str:
    """Say what the capacity is, and how much of it each instance has."""
    if found.best is None:
        return "The first step misses its objectives already: begin with fewer clients (--users)."
    least = "" if found.bounded else "at least "
    shares = ", ".join(
        f"{rate:.0f} per instance of {service} ({found.best.instances[service]})"
        for service, rate in found.per_instance().items()
    )
    return f"Capacity: {least}{found.rate:.0f} requests/s: {shares}."


def write(found: Capacity, folder: Path) -> Path:
    """Write the page, the JSON and the XML into a folder; return the page."""
    page = folder / "index.html"
    page.write_text(html(found), encoding="utf-8")
    (folder / "report.json").write_text(as_json(found), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(found), encoding="utf-8")
    return page


def html(found: Capacity) -> str:
    """Return the page; it needs nothing else but the steps' own pages beside it."""
    facts = [
        ("Began", utc_time(found.began)),
        ("Runtime", found.runtime),
        ("Objectives", f"p95 at most {seconds(found.plan.objectives.p95)}, errors at most"
         f" {found.plan.objectives.errors:.1%}"),
    ]  # fmt: skip
    steps = sorted(found.steps, key=lambda step: step.users)
    widest = max(step.rate for step in steps)
    template = TEMPLATES.get_template("capacity.html")
    return template.render(
        plan=found.plan, facts=facts, steps=steps, widest=widest, missed=missed, seconds=seconds,
        sentence=sentence(found),
    )  # fmt: skip


def as_json(found: Capacity) -> str:
    """Return all of it."""
    shown: dict[str, Any] = {
        "capacity": found.rate if found.best else None,
        "bounded": found.bounded,
        "instances": found.best.instances if found.best else {},
        "per_instance": found.per_instance(),
        "began": found.began,
        "runtime": found.runtime,
        "steps": [_step(step) for step in found.steps],
    }
    return json.dumps(shown, indent=2) + "\n"


def _step(step: Step) -> Mapping[str, Any]:
    return {
        "users": step.users,
        "rate": step.rate,
        "held": step.held,
        "instances": step.instances,
        "locust": asdict(step.measured.locust.total),
        "prometheus": asdict(step.measured.prometheus),
        "checks": [asdict(check) for check in step.measured.checks],
    }


def junit(found: Capacity) -> str:
    """Return JUnit's XML: one test case, that there is a capacity."""
    said = sentence(found)
    fault = Failure("objective", said) if found.best is None else None
    case = Case("loads.capacity", "capacity", failure=fault, output=said)
    return xml.to_xml("loads", [case], found.began, sum(step.seconds for step in found.steps))

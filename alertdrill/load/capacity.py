"""Find the capacity, the highest rate at which the objectives hold, and report it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ..report.junit import Case, Failure, to_xml
from ..report.page import TEMPLATES, utc_time
from . import measurements
from .gates import format_latency
from .profile import LoadError, LoadProfile, LoadSize
from .report import write_files
from .run import LoadContext, Measurement, measure


@dataclass(frozen=True)
class CapacityStep:
    """One load of the search: its clients, its counts, and the instances that answered."""

    users: int
    seconds: float
    measurement: Measurement
    instances: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Return whether the objectives held."""
        return all(gate.passed for gate in self.measurement.gates)

    @property
    def rate(self) -> float:
        """Return the requests per second, by Locust's count."""
        return self.measurement.locust.total.requests / self.seconds


@dataclass(frozen=True)
class Capacity:
    """The steps in order; the search never exceeds `max_users` clients."""

    profile: LoadProfile
    began: float
    runtime: str
    steps: Sequence[CapacityStep]
    max_users: int

    @property
    def best(self) -> CapacityStep | None:
        """Return the largest step below the first failed one; None if the first step failed."""
        users = max_passing({step.users: step.passed for step in self.steps})
        return next((step for step in self.steps if step.users == users), None)

    @property
    def rate(self) -> float:
        """Return the capacity in requests per second; 0 without a passed step."""
        return self.best.rate if self.best else 0.0

    @property
    def limit_found(self) -> bool:
        """Return whether a step failed; otherwise the capacity may be higher."""
        return any(not step.passed for step in self.steps)

    def per_instance(self) -> Mapping[str, float]:
        """Return the capacity per instance of each service."""
        best = self.best
        return {name: best.rate / n for name, n in best.instances.items()} if best else {}


def find_capacity(
    profile: LoadProfile,
    size: LoadSize,
    context: LoadContext,
    folder: Path,
) -> Capacity:
    """Find the capacity of the current stack; `size` is the first step's.

    Each step is a separate Locust run with the profile's objectives; its report is in the folder.
    Raises `LoadError` if a step cannot run.
    """
    if profile.search is None:
        raise LoadError(f"{profile.name} has no `search`: use the load `capacity`.")
    began, steps = time.time(), list[CapacityStep]()
    max_users = max(profile.search.max_users, size.users)
    while users := next_users(
        {step.users: step.passed for step in steps},
        size.users,
        max_users,
        profile.search.resolution,
    ):
        step = _step(profile, LoadSize(users, size.seconds), context, folder)
        verdict = "holds" if step.passed else f"missed: {missed(step)}"
        context.on_progress(f"{users} clients: {step.rate:.0f} requests/s, {verdict}")
        steps.append(step)
    return Capacity(profile, began, context.runtime.name, steps, max_users)


def _step(profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path) -> CapacityStep:
    own = folder / f"{size.users}-clients"
    own.mkdir(exist_ok=True)
    measured = measure(profile, size, context, own)
    instances = measurements.answering_instances(context.prometheus, measured.time_span)
    return CapacityStep(size.users, size.seconds - profile.warmup, measured, instances)


def next_users(
    results: Mapping[int, bool], first: int, max_users: int, resolution: float
) -> int | None:
    """Return the next number of clients to try; None once the result is precise enough.

    `results` maps each number tried to whether the objectives held. Steps double from `first` up to
    `max_users` until one fails. Then the search bisects between the last passed and the first
    failed step, until they differ by at most `resolution` of the former.
    """
    if not results:
        return min(first, max_users)
    low = max_passing(results)
    high = min((users for users, holds in results.items() if not holds), default=None)
    if high is None:
        return min(2 * low, max_users) if low < max_users else None
    if high - low <= max(1, resolution * low):
        return None
    return (low + high) // 2


def max_passing(results: Mapping[int, bool]) -> int:
    """Return the maximum number of clients that passed, below the first failure; or 0."""
    missed = [users for users, holds in results.items() if not holds]
    limit = min(missed, default=max(results, default=0) + 1)
    return max((users for users, holds in results.items() if holds and users < limit), default=0)


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
    return write_files(folder, html(result), as_json(result), junit(result))


def html(result: Capacity) -> str:
    """Return the HTML; it links to the steps' reports beside it."""
    objectives = result.profile.objectives
    p95 = format_latency(objectives.p95)
    facts = [
        ("Began", utc_time(result.began)),
        ("Runtime", result.runtime),
        ("Objectives", f"p95 at most {p95}, errors at most {objectives.errors:.1%}"),
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
        "steps": [_serialize(step) for step in result.steps],
    }
    return json.dumps(document, indent=2) + "\n"


def _serialize(step: CapacityStep) -> Mapping[str, Any]:
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
    return to_xml("loads", [case], result.began, sum(step.seconds for step in result.steps))

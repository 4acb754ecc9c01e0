"""Select the drills and the mutations of the landing tier in this working tree."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alertdrill.config import ROOT
from alertdrill.drills.context import needs_logs
from alertdrill.drills.loader import load_all
from alertdrill.drills.model import Drill
from tests.e2e.optional_programs import COLLECTOR, LOKI

from .changed_rules import (
    UnknownBaseError,
    base_tree,
    changed_alerts,
    changed_mutations,
    mutation_inputs,
)
from .runner import head

# With some 25 s for each of them, 14 drills take 6 of the tier's 30 minutes.
ROTATION = 6
MAX_CHANGED = 8
# Five drills may take longer than that at speed 1, and half of the time that all 44 take.
MAX_SECONDS = 20 * 60
ALERT_TEST = "tests/rules/test_mutations.py::test_every_mutation_of_an_alert_is_detected"
RECORD_TEST = "tests/rules/test_mutations.py::test_every_mutation_of_a_recording_rule_is_detected"

# What to run, and sentences for the summary.
Selected = tuple[list[str], list[str]]


@dataclass(frozen=True)
class Choice:
    """The drills to run: those of changed alerts, those in rotation; and what is left to verify."""

    changed: Sequence[str]
    rotation: Sequence[str]
    left: Sequence[str]

    def notes(self) -> list[str]:
        """Say which drills run and why, and which changed alerts are left to `make verify`."""
        notes = [f"in rotation: {', '.join(self.rotation)}"]
        if self.changed:
            notes.append(f"changed: {', '.join(self.changed)}")
        if self.left:
            notes.append(f"changed, left to `make verify PART=drills`: {', '.join(self.left)}")
        return notes


def by_hash(commit: str, names: Iterable[str]) -> list[str]:
    """Return names in an order that the commit's hash decides, so that no person does."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{commit} {name}".encode()).digest())


def choose_drills(
    commit: str,
    drills: Mapping[str, Drill],
    changed: Collection[str],
    unavailable: Collection[str] = (),
) -> Choice:
    """Choose at most MAX_CHANGED drills of changed alerts, and ROTATION of the others.

    Long ones are left to `make verify`. `unavailable` are those that this machine can't run: they
    are in no rotation; one whose alert changed is run nevertheless, and reports why it is skipped.
    """
    short = [alert for alert, drill in drills.items() if longest(drill) <= MAX_SECONDS]
    first = by_hash(commit, set(short) & set(changed))[:MAX_CHANGED]
    others = set(short) - set(changed) - set(unavailable)
    left = sorted(set(changed) & set(drills) - set(first))
    return Choice(first, by_hash(commit, others)[:ROTATION], left)


def longest(drill: Drill) -> float:
    """Return how many seconds a drill may take at speed 1."""
    return drill.deadlines.detect + (drill.deadlines.heal or 0) + drill.deadlines.resolve


def mutation_tests(alerts: Iterable[str], records: Iterable[str]) -> list[str]:
    """Return the ids of the tests that try the mutations of alerts and of recording rules."""
    return [
        *(f"{ALERT_TEST}[{alert}]" for alert in alerts),
        *(f"{RECORD_TEST}[{record}]" for record in records),
    ]


def drills() -> Selected:
    """Return the alerts whose drills to run."""
    every = dict(load_all().drills)
    notes: list[str] = []
    try:
        with base_tree() as base:
            changed = changed_alerts(base, every)
    except UnknownBaseError as error:
        changed = list(every)
        notes = [f"every alert counts as changed: {error}"]
    choice = choose_drills(head(), every, changed, _unavailable(every.values()))
    return [*choice.changed, *choice.rotation], [*notes, *choice.notes()]


def _unavailable(every: Iterable[Drill]) -> list[str]:
    """Return the alerts that this machine can't drill, for want of a log store."""
    if LOKI and COLLECTOR:
        return []
    return [drill.alert for drill in every if needs_logs(drill)]


def mutations() -> Selected:
    """Return the ids of the tests that mutate what changed."""
    alerts, records = mutation_inputs(ROOT)
    every = len(alerts) + len(records)
    try:
        with base_tree() as base:
            changed = mutation_tests(*changed_mutations(base))
    except UnknownBaseError as error:
        return mutation_tests(alerts, records), [f"every rule counts as changed: {error}"]
    note = f"{len(changed)} of {every} rules, or their tests, changed"
    return changed, [f"{note}; the others are left to `make verify PART=mutations`"]

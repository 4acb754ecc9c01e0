"""Select the drills and the mutations of the landing tier in this working tree."""

from __future__ import annotations

from collections.abc import Iterable

from alertdrill.drills import load_all, requirements, rule_files
from alertdrill.drills.model import Drill
from alertdrill.settings import ROOT
from tests.e2e.optional_programs import COLLECTOR, LOKI

from .changes import UnknownBaseError, base_tree, changed_alerts, changed_mutations, mutation_inputs
from .parts import head
from .selection import choose_drills, mutation_tests

# What to run, and sentences for the summary.
Selected = tuple[list[str], list[str]]


def drills() -> Selected:
    """Return the alerts whose drills to run."""
    every = dict(load_all(ROOT / "drills", rule_files.alert_names()).drills)
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
    return [drill.alert for drill in every if requirements.missing_requirement(drill, ())]


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

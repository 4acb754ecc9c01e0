"""What the page says of a run: every number worked out and every word chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ..drill import ACTIONS
from ..outcome import FINE, PHASES, Outcome, Report
from .formats import MISSING, count, duration, moment, ratio, seconds
from .healing import healed_by
from .plot import Plot, plot

# A state is a sign and a word before it is a colour.
SIGNS = {"passed": "✓", "failed": "✗", "deviated": "▲", "aborted": "■", "skipped": "○"}
# What the other verdicts mean, for who sees them for the first time.
MEANINGS = {
    "deviated": "The alert did what it must, but the steady state did not come back.",
    "aborted": "There was no steady state to begin with, so nothing was broken.",
    "skipped": "This stack lacks what it is about, so the alert is not proven here.",
}
# What did not pass comes first.
ORDER = {"skipped": 1, "passed": 2}
# As wide as a section of the page, and as a phone.
WIDE, NARROW = 1040.0, 400.0
# So few sections can all be open without hiding one another.
FEW = 4


@dataclass(frozen=True)
class Tile:
    """A number worth the first look."""

    label: str
    value: str
    detail: str
    tone: str = ""
    # The drill that it is about, if it is about one.
    alert: str = ""


@dataclass(frozen=True)
class Phase:
    """How long a phase took and how long it may take."""

    name: str
    took: str
    note: str


@dataclass(frozen=True)
class Drill:
    """One drill: a row of the table and a section of its own."""

    found: Outcome
    sign: str
    meaning: str
    times: Sequence[tuple[str, str]]
    least: str
    ratio: str
    # The ratio is over twice the least.
    slow: bool
    began: str
    took: str
    phases: Sequence[Phase]
    queries: str
    healing: str
    open: bool
    plots: Sequence[tuple[str, Plot]]


@dataclass(frozen=True)
class Page:
    """The whole page."""

    report: Report
    verdict: str
    facts: Sequence[tuple[str, str]]
    tiles: Sequence[Tile]
    drills: Sequence[Drill]


def page(report: Report) -> Page:
    """Work out the page of a run; what did not pass comes first."""
    few = len(report.outcomes) <= FEW
    ordered = sorted(report.outcomes, key=lambda found: ORDER.get(found.verdict, 0))
    drills = [_drill(found, few) for found in ordered]
    return Page(report, verdict(report), list(_facts(report)), list(_tiles(report)), drills)


def verdict(report: Report) -> str:
    """Return in a sentence how a run went."""
    skipped = sum(found.verdict == "skipped" for found in report.outcomes)
    total = len(report.outcomes) - skipped
    left_out = f" {count(skipped, 'drill')} could not be run here." if skipped else ""
    return _verdict(total, sum(found.verdict not in FINE for found in report.outcomes)) + left_out


def _verdict(total: int, failed: int) -> str:
    if not total:
        return "No drill was run."
    if not failed:
        return "The drill passed." if total == 1 else f"All {total} drills passed."
    if failed == total:
        return "The drill did not pass." if total == 1 else f"None of {total} drills passed."
    return f"{failed} of {total} drills did not pass."


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "Began", moment(report.began)
    yield "Took", duration(report.ended - report.began)
    if report.speed == 1:
        yield "Speed", "1, the real durations"
    else:
        times = f"{report.speed:g}"
        yield "Speed", f"{times}: every duration of the rules and routes was divided by {times}"
    yield "Runtime", report.runtime
    yield "Stack", report.stack


def _tiles(report: Report) -> Iterator[Tile]:
    passed = sum(found.verdict == "passed" for found in report.outcomes)
    failed = sum(found.verdict not in FINE for found in report.outcomes)
    yield Tile("Passed", str(passed), f"of {count(len(report.outcomes), 'drill')}")
    tone = "bad" if failed else ""
    yield Tile("Did not pass", str(failed), _verdicts(report) or "nothing to mend", tone)
    known = [(found.ratio, found.alert) for found in report.outcomes if found.ratio is not None]
    if not known:
        return
    middle, (worst, alert) = median(value for value, _ in known), max(known)
    yield Tile("Median ratio", ratio(middle), "time to firing over the theoretical least")
    yield Tile("Worst ratio", ratio(worst), alert, alert=alert)


def _verdicts(report: Report) -> str:
    found = [outcome.verdict for outcome in report.outcomes]
    return ", ".join(f"{found.count(other)} {other}" for other in list(SIGNS)[1:] if other in found)


def _drill(found: Outcome, few: bool) -> Drill:
    return Drill(
        found=found,
        sign=SIGNS[found.verdict],
        meaning=MEANINGS.get(found.verdict, ""),
        times=[(phase, seconds(found.times.get(phase))) for phase in PHASES],
        least=seconds(found.least),
        ratio=ratio(found.ratio),
        slow=(found.ratio or 0) > 2,
        began=moment(found.began),
        took=duration(found.ended - found.began),
        phases=list(_phases(found)),
        queries=_queries(found),
        healing=healed_by(found),
        open=few or found.verdict != "passed",
        plots=_plots(found),
    )


def _phases(found: Outcome) -> Iterator[Phase]:
    for name in PHASES:
        took = found.times.get(name)
        limit, least = found.limits.get(name), None
        if name == "firing":
            least = found.least
        if name == "notified":
            least = found.least_notified
        if took is None and limit is None:
            continue
        notes = [
            f"{bound} {seconds(value)} s"
            for bound, value in (("least", least), ("limit", limit))
            if value is not None
        ]
        if name == "resolved" and found.heal in ACTIONS:
            notes.append("since it was healed")
        took_it = MISSING if took is None else f"{seconds(took)} s"
        yield Phase(name, took_it, ", ".join(notes))


def _queries(found: Outcome) -> str:
    if found.queries_left_out:
        ran = f"{count(found.queries, 'query')} ran".replace("querys", "queries")
        return f"{ran} while the fault was on. Left out: {found.queries_left_out}."
    if found.queries:
        ran = count(found.queries, "query").replace("querys", "queries")
        return f"{ran} ran while the fault was on; all returned data."
    return ""


def _plots(found: Outcome) -> list[tuple[str, Plot]]:
    if found.injected is None:
        return []
    return [("wide", plot(found, WIDE)), ("narrow", plot(found, NARROW))]

"""Say what was proven."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .prove import Outcome, Proof


def lines(proof: Proof, details: bool = False) -> Iterator[str]:
    """Yield the report: the counts, then each failure with its query as it was sent."""
    yield from counts(proof, details)
    if details:
        yield from _gaps(proof.outcomes)
    for failure in proof.failures:
        yield from _failure(failure)
    failed = len(proof.failures)
    yield f"{failed} queries failed." if failed else "No panel is empty by accident."


def counts(proof: Proof, details: bool = False) -> Iterator[str]:
    """Yield how much was asked, excused and skipped."""
    yield _asked(proof)
    yield from _excused(proof, details)
    yield from _skipped(proof.outcomes)


def _asked(proof: Proof) -> str:
    panels = [panel for one in proof.dashboards for panel in one.panels]
    asking = sum(bool(panel.targets) for panel in panels)
    queries = _distinct(proof.outcomes)
    return (
        f"{len(proof.dashboards)} dashboards, {len(panels)} panels of which {asking} ask something,"
        f" {queries} queries, sent {proof.sent} times with All, one value and several."
    )


def _distinct(outcomes: Sequence[Outcome]) -> int:
    return len({one.asked.query for one in outcomes})


def _excused(proof: Proof, details: bool) -> Iterator[str]:
    """Yield how many queries are excused, and of how many there was data all the same."""
    covered = [one for one in proof.outcomes if one.excuse]
    empty = [one for one in covered if one.verdict.state == "empty"]
    queries = _distinct(covered)
    filled = queries - _distinct(empty)
    yield f"Excused: {queries} queries are empty by design; {filled} of them had data this time."
    if details:
        reasons = {one.asked.query: one.excuse for one in empty}
        for query, excuse in reasons.items():
            assert excuse is not None
            yield f"  {query.dashboard} / {query.panel} [{query.ref}]: {excuse.reason}"


def _skipped(outcomes: Sequence[Outcome]) -> Iterator[str]:
    skipped = [one for one in outcomes if one.verdict.state == "skipped"]
    if skipped:
        why = skipped[0].verdict.said
        yield f"SKIPPED: {_distinct(skipped)} queries were not asked. {why}"


def _gaps(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for one in outcomes:
        if one.gaps:
            query = one.asked.query
            where = f"{query.dashboard} / {query.panel} [{query.ref}]"
            yield f"Empty for {one.gaps} choices of {one.mode} of {one.variable}: {where}"


def _failure(failure: Outcome) -> Iterator[str]:
    query, asked = failure.asked.query, failure.asked
    how = f"{query.kind}, {failure.mode} {failure.variable}".strip()
    yield f"FAILED {query.dashboard} / {asked.title} [{query.ref}] ({how}): {failure.verdict.said}"
    yield f"    {asked.ask.expr if asked.ask else asked.target.expr}"

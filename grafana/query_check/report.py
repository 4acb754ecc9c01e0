"""The report of a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .check import CheckResult, Outcome


def lines(check_result: CheckResult, details: bool = False) -> Iterator[str]:
    """Yield the report: the counts, then each failure with its query as it was sent."""
    yield from counts(check_result, details)
    for outcome in check_result.outcomes:
        if details and outcome.gaps:
            choice = f"{outcome.mode} of {outcome.variable}"
            yield f"Empty for {outcome.gaps} values of {choice}: {_where(outcome)}"
    for failure in check_result.failures:
        panel_query = failure.panel_query
        how = f"{panel_query.query.kind}, {failure.mode} {failure.variable}".strip()
        yield f"FAILED {_where(failure)} ({how}): {failure.verdict.message}"
        yield f"    {panel_query.request.expr if panel_query.request else panel_query.target.expr}"
    failed = len(check_result.failures)
    yield f"{failed} queries failed." if failed else "No query is unexpectedly empty."


def counts(check_result: CheckResult, details: bool = False) -> Iterator[str]:
    """Yield the numbers of run, expected empty and skipped queries."""
    outcomes = check_result.outcomes
    panels = [panel for dashboard in check_result.dashboards for panel in dashboard.panels]
    yield (
        f"{len(check_result.dashboards)} dashboards, {len(panels)} panels,"
        f" {sum(bool(panel.targets) for panel in panels)} with queries,"
        f" {_distinct(outcomes)} queries,"
        f" sent {check_result.sent} times with All, one value and several."
    )
    covered = [outcome for outcome in outcomes if outcome.expectation]
    empty = [outcome for outcome in covered if outcome.verdict.state == "empty"]
    queries = _distinct(covered)
    filled = queries - _distinct(empty)
    yield f"Expected empty: {queries} queries; {filled} of them had data this time."
    if details:
        reasons = {_where(item): item.expectation.reason for item in empty if item.expectation}
        yield from (f"  {where}: {reason}" for where, reason in reasons.items())
    skipped = [outcome for outcome in outcomes if outcome.verdict.state == "skipped"]
    if skipped:
        yield f"SKIPPED: {_distinct(skipped)} queries. {skipped[0].verdict.message}"


def _distinct(outcomes: Sequence[Outcome]) -> int:
    return len({outcome.panel_query.query for outcome in outcomes})


def _where(outcome: Outcome) -> str:
    query = outcome.panel_query.query
    return f"{query.dashboard} / {query.panel} [{query.ref}]"

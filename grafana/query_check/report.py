"""The report of a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .check import CheckResult, Outcome


def lines(check_result: CheckResult, details: bool = False) -> Iterator[str]:
    """Yield the report: the counts, then each failure with its query as it was sent."""
    yield from counts(check_result, details)
    if details:
        yield from _gaps(check_result.outcomes)
    for failure in check_result.failures:
        yield from _failure(failure)
    failed = len(check_result.failures)
    yield f"{failed} queries failed." if failed else "No query is unexpectedly empty."


def counts(check_result: CheckResult, details: bool = False) -> Iterator[str]:
    """Yield the numbers of run, expected empty and skipped queries."""
    yield _totals(check_result)
    yield from _expected(check_result, details)
    yield from _skipped(check_result.outcomes)


def _totals(check_result: CheckResult) -> str:
    panels = [panel for outcome in check_result.dashboards for panel in outcome.panels]
    with_queries = sum(bool(panel.targets) for panel in panels)
    queries = _distinct(check_result.outcomes)
    return (
        f"{len(check_result.dashboards)} dashboards, {len(panels)} panels,"
        f" {with_queries} with queries,"
        f" {queries} queries, sent {check_result.sent} times with All, one value and several."
    )


def _distinct(outcomes: Sequence[Outcome]) -> int:
    return len({outcome.panel_query.query for outcome in outcomes})


def _expected(check_result: CheckResult, details: bool) -> Iterator[str]:
    """Yield the number of queries that may be empty, and how many of them have data."""
    covered = [outcome for outcome in check_result.outcomes if outcome.expectation]
    empty = [outcome for outcome in covered if outcome.verdict.state == "empty"]
    queries = _distinct(covered)
    filled = queries - _distinct(empty)
    yield f"Expected empty: {queries} queries; {filled} of them had data this time."
    if details:
        reasons = {outcome.panel_query.query: outcome.expectation for outcome in empty}
        for query, expectation in reasons.items():
            assert expectation is not None
            yield f"  {query.dashboard} / {query.panel} [{query.ref}]: {expectation.reason}"


def _skipped(outcomes: Sequence[Outcome]) -> Iterator[str]:
    skipped = [outcome for outcome in outcomes if outcome.verdict.state == "skipped"]
    if skipped:
        why = skipped[0].verdict.message
        yield f"SKIPPED: {_distinct(skipped)} queries. {why}"


def _gaps(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.gaps:
            query = outcome.panel_query.query
            where = f"{query.dashboard} / {query.panel} [{query.ref}]"
            choice = f"{outcome.mode} of {outcome.variable}"
            yield f"Empty for {outcome.gaps} values of {choice}: {where}"


def _failure(failure: Outcome) -> Iterator[str]:
    query, panel_query = failure.panel_query.query, failure.panel_query
    where = f"{query.dashboard} / {panel_query.title} [{query.ref}]"
    how = f"{query.kind}, {failure.mode} {failure.variable}".strip()
    yield f"FAILED {where} ({how}): {failure.verdict.message}"
    yield f"    {panel_query.request.expr if panel_query.request else panel_query.target.expr}"

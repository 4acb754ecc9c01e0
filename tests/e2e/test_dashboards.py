"""Every query of every dashboard has data on a stack after a load, a drill and errors."""

from __future__ import annotations

import copy
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from alertdrill.config import ROOT
from grafana.query_check import dashboard_file, report
from grafana.query_check.check import CheckResult, check_dashboards, read_expectations
from grafana.query_check.evaluation import QueryRunner
from grafana.query_check.variables import MODES
from tests.e2e.compressed_stack import running
from tests.e2e.dashboard_activity import (
    as_stack,
    compressed_cli,
    drill,
    fire_error_rate,
    under_load,
)
from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import Stack, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]
DASHBOARDS = ROOT / "grafana" / "dashboards"
EXPECTED_EMPTY = ROOT / "grafana" / "expected_empty.yml"
# The last that comes is a recording rule over the longest window, some evaluations later.
FIGURES = 90.0


@pytest.fixture(scope="module")
def active(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Return a stack under load, after a drill in which an instance was healed, and errors."""
    folder = tmp_path_factory.mktemp("active")
    if os.environ.get("RUNTIME") == "compose":
        yield from _active(request.getfixturevalue("stack"), folder, "alertdrill")
        return
    with running(folder) as compressed:
        yield from _active(
            as_stack(compressed.settings), folder, *compressed_cli(compressed.settings)
        )


def _active(stack: Stack, folder: Any, *command: str) -> Iterator[Stack]:
    with under_load(stack, folder):
        drill(stack, *command)
        fire_error_rate(stack)
        yield stack


def query_runner(stack: Stack) -> QueryRunner:
    loki = stack.url("loki")
    try:
        requests.get(f"{loki}/ready", timeout=5).raise_for_status()
    except requests.RequestException:
        return QueryRunner(stack.url("prometheus"), None)
    return QueryRunner(stack.url("prometheus"), loki)


def check(stack: Stack, *changed: dashboard_file.Dashboard, **variables: str) -> CheckResult:
    """Check the dashboards, or those that a test has changed, as of now."""
    dashboards = changed or dashboard_file.read(DASHBOARDS)
    now = round(time.time() * 1000)
    expectations = read_expectations(EXPECTED_EMPTY)
    return check_dashboards(dashboards, query_runner(stack), now, expectations, variables)


@pytest.fixture(scope="module")
def check_result(active: Stack) -> CheckResult:
    """Return the first check without failures, else the last one."""
    results: list[CheckResult] = []

    def passed() -> bool:
        results.append(check(active))
        return not results[-1].failures or time.monotonic() > deadline

    deadline = time.monotonic() + FIGURES
    poll_until(passed, "figures", 2 * FIGURES)
    return results[-1]


@pytest.mark.parametrize("mode", MODES)
def test_no_panel_is_empty_by_accident(
    check_result: CheckResult, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.writelines(f"\n{line}" for line in report.counts(check_result))
    failed = [
        outcome for outcome in check_result.outcomes if outcome.failed and outcome.mode == mode
    ]
    assert not failed, "\n".join(report.lines(check_result))


@needs_loki_and_collector
def test_trace_id_variable_finds_the_trace(active: Stack) -> None:
    trace = active.send_traced_request()
    panel = "Which lines belong to one request, in all services?"
    logs = next(board for board in dashboard_file.read(DASHBOARDS) if board.uid == "logs")

    def states() -> set[str]:
        outcomes = check(active, logs, trace=trace).outcomes
        return {
            outcome.verdict.state
            for outcome in outcomes
            if outcome.panel_query.query.panel == panel
        }

    poll_until(lambda: states() == {"fine"}, f"the lines of {trace}", FIGURES)


def mutations() -> dict[str, tuple[str, str]]:
    """Return the parts of a dashboard to break: a metric, a label, a variable."""
    return {
        "metric": ("flask_http_request", "flask_http_demand"),
        "label": ("service=~", "svc=~"),
        "variable": ("$service", "$servise"),
    }


@pytest.mark.parametrize("part", mutations())
def test_broken_query_is_named(active: Stack, part: str) -> None:
    whole = next(board for board in dashboard_file.read(DASHBOARDS) if board.uid == "service")
    panel, raw = broken(whole, *mutations()[part])
    failures = check(active, dashboard_file.parse(raw)).failures
    named = {
        (failure.panel_query.query.dashboard, failure.panel_query.query.panel)
        for failure in failures
    }
    assert ("service", panel) in named
    printed = "\n".join(report.lines(check(active, dashboard_file.parse(raw))))
    assert mutations()[part][1] in printed


def broken(whole: dashboard_file.Dashboard, old: str, new: str) -> tuple[str, dict[str, Any]]:
    """Return a dashboard's JSON with one query changed, and its panel's title."""
    raw = copy.deepcopy(dict(whole.raw))
    for panel in raw["panels"]:
        for target in panel.get("targets", ()):
            if old in target.get("expr", "") and " or " not in target["expr"]:
                target["expr"] = target["expr"].replace(old, new)
                return panel["title"], raw
    pytest.fail(f"No query has {old}.")

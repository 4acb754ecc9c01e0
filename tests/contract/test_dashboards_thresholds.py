"""Dashboards show the limits of the alerts: when a rule changes, its panels change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import promql_parser as promql
import pytest

from tests.contract.dashboards import ROOT, Panel, panels
from tests.contract.promql_labels import nodes

if TYPE_CHECKING:
    from .conftest import Rule

# The alerts whose limit is one number, and a panel that shows it.
SOME = {
    "WebHighErrorRate": ("> 0.05", "> 0.07", "service: What share of the requests fails?"),
    "HostMemoryLow": ("< 0.1", "< 0.2", "host: How much memory is available?"),
    "AvailabilityBurnSlow": (
        "burnrate3d > 1",
        "burnrate3d > 2",
        "slo: Do failures burn too fast over 3d and still over 6h?",
    ),
    "LogPipelineLagging": ("> 262144", "> 300000", "pipeline: How many bytes wait for Loki?"),
    "UnhandledExceptions": (
        "> 0.03",
        "> 0.5",
        "logs: How many exceptions per second does each service raise?",
    ),
}


def limits(panel: Panel) -> list[float]:
    """Return the values at which the colour of a panel changes."""
    steps = panel.fields["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["value"] for step in steps if step.get("value") is not None]


SHOWN = [panel for panel in panels() if limits(panel)]
BY_NAME = [pytest.param(panel, id=panel.name) for panel in SHOWN]


def linked(panel: Panel) -> list[str]:
    """Return the alerts whose runbooks a panel links to."""
    return [link["url"].rpartition("/")[2] for link in panel.fields["links"]]


def numbers(rule: Rule) -> set[float]:
    """Return the numbers that a rule compares with, as an independent parser finds them."""
    if rule.of_loki:
        return {
            float(number) for number in re.findall(r"[<>]=?\s*([\d.]+)$", rule.fields["expr"], re.M)
        }
    return {
        node.rhs.val
        for node in nodes(promql.parse(rule.fields["expr"]))
        if isinstance(node, promql.BinaryExpr)
        and str(node.op) in {">", "<", ">=", "<="}
        and isinstance(node.rhs, promql.NumberLiteral)
    }


# These show the remaining budget; the rule has the spent one.
LEFT = {"How much of the error budget is left?", "How did the error budget change?"}


@pytest.mark.parametrize("panel", BY_NAME)
def test_limit_is_one_of_its_alerts(panel: Panel, rules: list[Rule]) -> None:
    numbers_by_alert = {rule.alert: numbers(rule) for rule in rules if rule.alert in linked(panel)}
    allowed = set().union(*numbers_by_alert.values())
    if panel.fields["title"] in LEFT:
        allowed = {1 - number for number in allowed}
    assert set(limits(panel)) <= allowed


def test_many_panels_show_limits() -> None:
    assert len(SHOWN) > 30


@dataclass(frozen=True)
class Rebuilt:
    """The build's output and files after every limit of SOME has changed."""

    output: str
    folder: Path


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, rules: list[Rule]) -> Rebuilt:
    """Change the limit of every alert of SOME in a copy, and build the copy's dashboards."""
    folder = tmp_path_factory.mktemp("moved")
    for name in ("grafana", "prometheus/rules", "loki/rules"):
        shutil.copytree(ROOT / name, folder / name)
    for alert, (before, after, _) in SOME.items():
        file = folder / next(rule.file for rule in rules if rule.alert == alert).relative_to(ROOT)
        begin, _, rest = file.read_text().partition(f"alert: {alert}\n")
        assert before in rest
        file.write_text(f"{begin}alert: {alert}\n{rest.replace(before, after, 1)}")
    checked = build(folder, "--check")
    assert checked.returncode == 1
    assert build(folder).returncode == 0
    return Rebuilt(checked.stderr, folder)


def build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grafana.build", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("changed", SOME)
def test_panels_move_with_their_rule(moved: Rebuilt, changed: str) -> None:
    _, after, name = SOME[changed]
    uid, title = name.split(": ", 1)
    assert f"{uid}.json" in moved.output
    written = json.loads((moved.folder / f"grafana/dashboards/{uid}.json").read_text())
    panel = next(item for item in written["panels"] if item["title"] == title)
    assert float(after.split()[-1]) in limits(Panel(uid, panel))

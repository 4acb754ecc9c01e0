"""The contract tests accept a repository with a new service and new alerts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alertdrill.scaffold.alert import add_alert
from alertdrill.scaffold.repository import Repository, write_changes
from alertdrill.scaffold.service import NewService, add_service
from tests.e2e.repository_copy import copy_repository

# The contract tests that are about alerts, drills and services.
ACCEPTED_BY = (
    *("test_alert_chain", "test_dashboards_links", "test_drills", "test_openapi", "test_readmes"),
    "test_service_facts",
)
# Those of the new alerts and the service, and those that compare all alerts with something.
SELECTED = (
    "Orders or orders or exactly_the_alerts or valid_drill or has_a_panel or number_of_alerts"
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository with the service `orders` and two alerts of it."""
    root = copy_repository(tmp_path_factory.mktemp("copy"))
    write_changes(add_service(Repository(root), NewService("orders")))
    write_changes(add_alert(Repository(root), "OrdersSlow", "orders", "latency"))
    return root


def run(copy: Path, *arguments: str) -> None:
    """Run a Python module in the copy, with its own code."""
    path = os.pathsep.join((str(copy), str(copy / "telemetry")))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env={**kept, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_contract_tests_and_its_own_tests_pass(copy: Path) -> None:
    files = [f"tests/contract/{name}.py" for name in ACCEPTED_BY]
    run(
        copy,
        *("pytest", "-n0", "-q", "-p", "no:cacheprovider", "-k", SELECTED),
        *files,
        "tests/unit/apps/orders",
    )


def test_pages_are_generated_and_name_the_alerts(copy: Path) -> None:
    run(copy, "docs.generate")
    page = (copy / "docs/reference/alerts.md").read_text()
    assert {"OrdersErrors", "OrdersSlow"} <= {*page.replace("`", " ").split()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("ruff", "check", "apps/orders", "tests/unit/apps/orders"),
        ("ruff", "format", "--check", "apps/orders", "tests/unit/apps/orders"),
        ("yamllint", "--strict", "apps", "drills", "alerting", "loadtests", "prometheus", "tests"),
        ("alertdrill", "drill", "check"),
    ],
    ids=" ".join,
)
def test_linters_accept_the_files(copy: Path, arguments: tuple[str, ...]) -> None:
    run(copy, *arguments)

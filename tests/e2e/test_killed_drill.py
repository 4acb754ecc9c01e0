"""A run of drills in containers that is killed: `down` removes all that it has started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.observed_hardening import docker
from tests.e2e.stack import Stack, containers_only, environment, free_ports, poll_until

pytestmark = [pytest.mark.stack, containers_only]


def owned(stack: Stack, project: str, what: str, *options: str) -> list[str]:
    """Return the names of the containers or volumes of a project."""
    label = f"label=com.docker.compose.project={project}"
    rows = docker(stack, what, "ls", *options, "--filter", label, "--format", "json").splitlines()
    return [row.get("Names") or row["Name"] for row in map(json.loads, rows)]


def test_down_removes_what_a_killed_run_has_left(tmp_path: Path) -> None:
    stack = Stack(environment(tmp_path, free_ports()), tmp_path)
    ephemeral = f"{stack.environment['COMPOSE_PROJECT_NAME']}-ephemeral"
    run = f"{ephemeral}-drills-run"
    process = stack.start("drill", "run", "InstanceHung")
    try:
        poll_until(lambda: run in owned(stack, ephemeral, "container"), "the run", 180)
        docker(stack, "kill", run)
    finally:
        process.kill()
        process.communicate()
    status = stack.alertdrill("status", check=False)
    assert f"A killed run has left the ephemeral stack {ephemeral}" in status.stdout + status.stderr
    down = stack.alertdrill("down")
    assert f"removing {ephemeral}" in down.stdout + down.stderr
    assert owned(stack, ephemeral, "container", "--all") == []
    assert owned(stack, ephemeral, "volume") == []

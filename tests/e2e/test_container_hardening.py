"""Containers are hardened: limits, read-only roots, separate networks, a guarded engine socket."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from alertdrill.runtimes.compose.components import COMPONENTS
from alertdrill.settings import ROOT
from tests.e2e.hardening_table import Row, docker, inspect, row, service, table
from tests.e2e.stack import Stack, containers_only

pytestmark = [pytest.mark.stack, containers_only]
# Root, but without a single capability: each reads files that the engine has made for root.
ROOT_BY_NEED = {"collector", "docker-proxy"}
# All of them together.
MOST_MEMORY = 2048
# What each may reach, of these doors; every other one is shut.
DOORS = {
    "prometheus": ("prometheus-on-telemetry", 9090),
    "alertmanager": ("alertmanager-on-telemetry", 9093),
    "loki": ("loki-on-telemetry", 3100),
    "responder": ("responder-on-telemetry", 8090),
    "engine": ("docker-proxy", 2375),
    "control": ("control-on-healing", 8091),
    "lb": ("lb-on-services", 8081),
    "internet": ("1.1.1.1", 443),
}
MAY = {
    "web": {"lb"},
    "data-service": {"lb"},
    "responder": {"prometheus", "alertmanager", "loki", "responder", "control"},
    "restarter": {"engine"},
    "control": {"engine", "control", "lb"},
}
KNOCK = (
    "import socket,sys\n"
    "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)\n"
    "except OSError: sys.exit(1)\n"
)


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[Row]:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    found = {service(one): row(one, project) for one in inspect(stack)}
    return [found[name] for name in sorted(found)]


def test_security_table_is_what_runs(rows: list[Row]) -> None:
    page = (ROOT / "docs/explanation/security.md").read_text()
    missing = [line for line in table(rows).splitlines() if line not in page]
    assert missing == [], "docs/explanation/security.md differs from what runs: add these lines"


def test_nobody_is_root_without_need(rows: list[Row]) -> None:
    users = {one.service: one.user.partition(":")[0] for one in rows}
    roots = {name for name, user in users.items() if user in ("", "0", "root")}
    assert roots == ROOT_BY_NEED & set(users)  # not every host can have a collector


def test_every_container_is_bounded(rows: list[Row]) -> None:
    assert {one.root for one in rows} == {"read-only"}
    assert {one.capabilities for one in rows} == {"none"}
    assert [one.service for one in rows if "0" in (one.memory[:1], one.cpus, one.pids)] == []


def test_memory_fits_a_small_host(stack: Stack) -> None:
    limits = [one["HostConfig"]["Memory"] // 2**20 for one in inspect(stack)]
    assert sum(limits) <= MOST_MEMORY


def test_every_container_is_watched_and_rotated(stack: Stack) -> None:
    for one in inspect(stack):
        logging, name = one["HostConfig"]["LogConfig"], service(one)
        assert one["Config"]["Healthcheck"]["Test"][0] == "CMD", name
        assert one["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped", name
        assert logging["Type"] == "json-file", name
        assert (logging["Config"]["max-size"], logging["Config"]["max-file"]) == ("10m", "3"), name


def test_socket_is_the_proxys_alone(stack: Stack) -> None:
    holders = {
        service(one)
        for one in inspect(stack)
        if any(mount["Source"].endswith("docker.sock") for mount in one["Mounts"])
    }
    assert holders == {"docker-proxy"}


def test_only_edge_reaches_the_host(stack: Stack) -> None:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    names = docker(
        stack, "network", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project}"
    )
    found = json.loads(docker(stack, "network", "inspect", *names.split()))
    internal = {one["Name"].removeprefix(f"{project}_"): one["Internal"] for one in found}
    inner = dict.fromkeys(("services", "telemetry", "control", "healing"), True)
    assert internal == {"edge": False, **inner}


def knocks(stack: Stack, name: str, door: str) -> bool:
    """Tell whether a container reaches a door, tried from inside of it."""
    host, port = DOORS[door]
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{name}-1"
    command = ["docker", "exec", container, "python", "-c", KNOCK, host, str(port)]
    return subprocess.run(command, env=stack.environment, check=False).returncode == 0


@pytest.mark.parametrize("name", MAY)
def test_inside_only_the_right_doors_open(stack: Stack, rows: list[Row], name: str) -> None:
    opened = {door for door in DOORS if knocks(stack, name, door)}
    absent = set(COMPONENTS) - {one.service for one in rows}  # not every host can have Loki
    assert opened == MAY[name] - absent


def test_fault_token_is_random(stack: Stack) -> None:
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1"
    token = docker(stack, "exec", container, "cat", "/run/secrets/faults/token").strip()
    assert re.fullmatch(r"[\w-]{43}", token)

"""Containers are hardened: limits, read-only roots, separate networks, a guarded engine socket."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from alertdrill.config import ROOT
from alertdrill.config.services import all_components
from tests.e2e.observed_hardening import Row, docker, inspect, row, service, table
from tests.e2e.stack import Stack, containers_only

pytestmark = [pytest.mark.stack, containers_only]
# Root, but without a single capability: each reads files that the engine has made for root.
ROOT_BY_NEED = {"collector", "docker-proxy"}
# Of all containers together, in MiB.
MAX_MEMORY = 2048
# The endpoints that a container may reach; every other container is closed to it.
ENDPOINTS = {
    "prometheus": ("prometheus-on-telemetry", 9090),
    "alertmanager": ("alertmanager-on-telemetry", 9093),
    "loki": ("loki-on-telemetry", 3100),
    "responder": ("responder-on-telemetry", 8090),
    "operations of the responder": ("responder-on-telemetry", 8140),
    "operations of web": ("web", 5050),
    "engine": ("docker-proxy", 2375),
    "control": ("control-on-healing", 8091),
    "operations of the control API": ("control-on-healing", 8141),
    "lb": ("lb-on-services", 8081),
    "internet": ("1.1.1.1", 443),
}
REACHABLE = {
    "web": {"lb", "operations of web"},
    "data-service": {"lb", "operations of web"},
    "responder": {
        *("prometheus", "alertmanager", "loki", "responder", "control"),
        *("operations of the responder", "operations of the control API"),
    },
    "control": {"engine", "control", "lb", "operations of web", "operations of the control API"},
}
CONNECT = (
    "import socket,sys\n"
    "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)\n"
    "except OSError: sys.exit(1)\n"
)


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[Row]:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    by_service = {service(container): row(container, project) for container in inspect(stack)}
    return [by_service[name] for name in sorted(by_service)]


def test_security_table_matches_the_running_containers(rows: list[Row]) -> None:
    page = (ROOT / "docs/explanation/security.md").read_text()
    missing = [line for line in table(rows).splitlines() if line not in page]
    assert missing == [], "docs/explanation/security.md differs from what runs: add these lines"


def test_only_listed_containers_run_as_root(rows: list[Row]) -> None:
    users = {container.service: container.user.partition(":")[0] for container in rows}
    roots = {name for name, user in users.items() if user in ("", "0", "root")}
    assert roots == ROOT_BY_NEED & set(users)  # the collector is optional


def test_every_container_has_limits(rows: list[Row]) -> None:
    assert {container.root for container in rows} == {"read-only"}
    assert {container.capabilities for container in rows} == {"none"}
    assert [
        container.service
        for container in rows
        if "0" in (container.memory[:1], container.cpus, container.pids)
    ] == []


def test_memory_fits_a_small_host(stack: Stack) -> None:
    limits = [container["HostConfig"]["Memory"] // 2**20 for container in inspect(stack)]
    assert sum(limits) <= MAX_MEMORY


def test_every_container_has_a_health_check_and_rotated_logs(stack: Stack) -> None:
    for container in inspect(stack):
        logging, name = container["HostConfig"]["LogConfig"], service(container)
        assert container["Config"]["Healthcheck"]["Test"][0] == "CMD", name
        assert container["HostConfig"]["RestartPolicy"]["Name"] == "always", name
        assert logging["Type"] == "json-file", name
        assert (logging["Config"]["max-size"], logging["Config"]["max-file"]) == ("10m", "3"), name


def test_only_the_proxy_mounts_the_socket(stack: Stack) -> None:
    holders = {
        service(container)
        for container in inspect(stack)
        if any(mount["Source"].endswith("docker.sock") for mount in container["Mounts"])
    }
    assert holders == {"docker-proxy"}


def test_only_edge_reaches_the_host(stack: Stack) -> None:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    names = docker(
        stack, "network", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project}"
    )
    networks = json.loads(docker(stack, "network", "inspect", *names.split()))
    internal = {
        network["Name"].removeprefix(f"{project}_"): network["Internal"] for network in networks
    }
    inner = dict.fromkeys(("services", "telemetry", "control", "healing"), True)
    assert internal == {"edge": False, **inner}


def reaches(stack: Stack, name: str, endpoint: str) -> bool:
    """Return whether a container can connect to an endpoint."""
    host, port = ENDPOINTS[endpoint]
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{name}-1"
    command = ["docker", "exec", container, "python", "-c", CONNECT, host, str(port)]
    return subprocess.run(command, env=stack.environment, check=False).returncode == 0


@pytest.mark.parametrize("name", REACHABLE)
def test_container_reaches_its_endpoints_only(stack: Stack, rows: list[Row], name: str) -> None:
    reached = {endpoint for endpoint in ENDPOINTS if reaches(stack, name, endpoint)}
    absent = set(all_components()) - {container.service for container in rows}  # Loki is optional
    assert reached == REACHABLE[name] - absent


def test_fault_token_is_random(stack: Stack) -> None:
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1"
    token = docker(stack, "exec", container, "cat", "/run/secrets/faults/token").strip()
    assert re.fullmatch(r"[\w-]{43}", token)

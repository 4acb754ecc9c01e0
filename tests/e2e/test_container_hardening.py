"""Containers are hardened: limits, read-only roots, separate networks, a guarded engine socket."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable

import pytest

from alertdrill.config import ROOT
from alertdrill.config.services import all_components
from alertdrill.config.settings import StackSettings
from tests.e2e.observed_hardening import Row, docker, inspect, row, service, table
from tests.e2e.stack import Stack, containers_only

pytestmark = [pytest.mark.stack, containers_only]
# Root, but without a single capability: each reads files that the engine has made for root.
ROOT_BY_NEED = {"collector", "docker-proxy"}
# Of all containers together, in MiB.
MAX_MEMORY = 2048
# Every endpoint, and the network whose members alone may reach it.
ENDPOINTS = {
    "prometheus": ("telemetry", "prometheus-on-telemetry:9090"),
    "alertmanager": ("telemetry", "alertmanager-on-telemetry:9093"),
    "loki": ("telemetry", "loki-on-telemetry:3100"),
    "responder": ("telemetry", "responder-on-telemetry:8090"),
    "operations of the responder": ("telemetry", "responder-on-telemetry:8140"),
    "web": ("services", "web:5000"),
    "operations of web": ("services", "web:5050"),
    "data-service": ("services", "data-service:5001"),
    "operations of data-service": ("services", "data-service:5051"),
    "lb": ("services", "lb-on-services:8081"),
    "public frontend": ("services", "lb-on-services:8080"),
    "statistics": ("services", "lb-on-services:8404"),
    "collector": ("telemetry", "collector:8888"),
    "grafana": ("telemetry", "grafana-on-telemetry:3000"),
    "node-exporter": ("telemetry", "node-exporter:9100"),
    "blackbox-exporter": ("telemetry", "blackbox-exporter-on-telemetry:9115"),
    "pushgateway": ("telemetry", "pushgateway:9091"),
    "engine": ("control", "docker-proxy:2375"),
    "control": ("healing", "control-on-healing:8091"),
    "operations of the control API": ("healing", "control-on-healing:8141"),
    "internet": ("", "1.1.1.1:443"),
}
# Prints which of its arguments accept a connection.
CONNECT = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def accepts(endpoint):
    host, _, port = endpoint.rpartition(":")
    try: socket.create_connection((host, int(port)), 2).close()
    except OSError: return False
    return True
with ThreadPoolExecutor(16) as pool:
    print(*(name for name, open in zip(sys.argv[1:], pool.map(accepts, sys.argv[1:])) if open))
"""


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[Row]:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    by_service = {service(container): row(container, project) for container in inspect(stack)}
    return [by_service[name] for name in sorted(by_service)]


def test_security_table_matches_the_running_containers(rows: list[Row]) -> None:
    page = (ROOT / "docs/reference/containers.md").read_text()
    missing = [line for line in table(rows).splitlines() if line not in page]
    assert missing == [], "docs/reference/containers.md differs from what runs"


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


def test_no_container_swaps(stack: Stack) -> None:
    for container in inspect(stack):
        host = container["HostConfig"]
        assert host["MemorySwap"] == host["Memory"], service(container)


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


def reached(stack: Stack, service: str, endpoints: Iterable[str]) -> set[str]:
    """Return which of these endpoints (`host:port`) the first container of a service reaches."""
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{service}-1"
    # Most images have no program that could connect: Python runs in the network of the container.
    image = StackSettings(stack.home).image("tools")
    command = ("run", "--rm", "--network", f"container:{container}", image, "python", "-c", CONNECT)
    return set(docker(stack, *command, *endpoints).split())


def test_containers_reach_the_endpoints_of_their_networks_only(
    stack: Stack, rows: list[Row]
) -> None:
    running = {container.service for container in rows}
    present = {
        name: endpoint
        for name, endpoint in ENDPOINTS.items()
        if name not in all_components() or name in running  # Loki is optional
    }
    for container in rows:
        networks = container.networks.split(", ")
        expected = {address for network, address in present.values() if network in networks}
        addresses = [address for _, address in present.values()]
        assert reached(stack, container.service, addresses) == expected, container.service


def test_only_members_of_edge_reach_ports_of_the_host(stack: Stack, rows: list[Row]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        for container in rows:
            networks = container.networks.split(", ")
            gateways = {network: f"{gateway(stack, network)}:{port}" for network in networks}
            open_ones = reached(stack, container.service, gateways.values())
            assert open_ones == {gateways[name] for name in networks if name == "edge"}, container


def gateway(stack: Stack, network: str) -> str:
    """Return the address that the engine keeps for the host in a network."""
    name = f"{stack.environment['COMPOSE_PROJECT_NAME']}_{network}"
    [description] = json.loads(docker(stack, "network", "inspect", name))
    address: str = description["IPAM"]["Config"][0]["Gateway"]
    return address


def test_fault_token_is_random(stack: Stack) -> None:
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1"
    token = docker(stack, "exec", container, "cat", "/run/secrets/faults/token").strip()
    assert re.fullmatch(r"[\w-]{43}", token)

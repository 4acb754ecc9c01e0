"""What only containers have: limits on each, networks between them, an engine that is guarded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from alertdrill.runtimes.compose.parts import PARTS
from alertdrill.settings import ROOT
from tests.e2e.hardening_table import Row, compose, docker, inspected, row, service, table
from tests.e2e.stack import Stack, environment, free_ports, left_over, poll_until
from tests.e2e.test_request_counts import locust

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        os.environ.get("RUNTIME") != "compose", reason="about containers: set RUNTIME=compose"
    ),
]
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
    "keeper": {"engine"},
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
    found = {service(one): row(one, project) for one in inspected(stack)}
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
    limits = [one["HostConfig"]["Memory"] // 2**20 for one in inspected(stack)]
    assert sum(limits) <= MOST_MEMORY


def test_every_container_is_watched_and_rotated(stack: Stack) -> None:
    for one in inspected(stack):
        logging, name = one["HostConfig"]["LogConfig"], service(one)
        assert one["Config"]["Healthcheck"]["Test"][0] == "CMD", name
        assert one["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped", name
        assert logging["Type"] == "json-file", name
        assert (logging["Config"]["max-size"], logging["Config"]["max-file"]) == ("10m", "3"), name


def test_socket_is_the_proxys_alone(stack: Stack) -> None:
    holders = {
        service(one)
        for one in inspected(stack)
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
    absent = set(PARTS) - {one.service for one in rows}  # not every host can have Loki
    assert opened == MAY[name] - absent


def test_scaled_out_replica_serves_and_leaves(stack: Stack) -> None:
    results: list[dict[str, int]] = []
    clients = threading.Thread(target=lambda: results.append(locust(stack, users=10, seconds=60)))
    clients.start()
    try:
        scale(stack, 3)
        three = {"web-1", "web-2", "web-3"}
        scraped = 'up{job="services",service="web"} == 1'
        poll_until(
            lambda: {found["metric"]["instance"] for found in stack.query(scraped)} == three,
            "three instances in Prometheus",
            15,
        )
        poll_until(
            lambda: (
                {line["instance"] for line in stack.access_lines("web", path="/process")} >= three
            ),
            "traffic on all three",
            15,
        )
        scale(stack, 2)
    finally:
        clients.join()
    assert results[0]["failures"] == 0
    assert results[0]["requests"] > 100  # else nothing was shown
    poll_until(stack.scrapes_everything, "the third to be forgotten", 20)


def scale(stack: Stack, count: int) -> None:
    """Scale as the README says, without a word to alertdrill."""
    arguments = ("--detach", "--wait", "--no-recreate", "--scale", f"web={count}", "web")
    said = compose(stack, "up", "--no-deps", *arguments)
    assert "rror" not in said, said


def test_up_numbers_instances_anew(stack: Stack) -> None:
    # With standby instances there, Compose has others serve than those that all look for.
    docker(stack, "rm", "--force", f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1")
    scale(stack, 2)
    assert "web-1" not in stack.instances()
    stack.alertdrill("up")
    states = {name: one["state"] for name, one in stack.instances().items() if "web-" in name}
    assert states == {"web-1": "ready", "web-2": "ready", "web-3": "standby", "web-4": "standby"}
    poll_until(stack.scrapes_everything, "all to be scraped again", 20)


def test_every_killed_container_comes_back(stack: Stack) -> None:
    slow = {}
    for one in inspected(stack):
        name, pid, begun = one["Name"].lstrip("/"), one["State"]["Pid"], time.monotonic()
        docker(stack, "kill", name)

        def back(name: str = name, pid: int = pid) -> bool:
            [now] = json.loads(docker(stack, "inspect", name))
            return bool(now["State"]["Status"] == "running" and now["State"]["Pid"] != pid)

        poll_until(back, f"{name} to be back", 30)
        if (seconds := time.monotonic() - begun) > 15:
            slow[name] = seconds
    assert slow == {}


def test_stopped_container_stays_stopped(stack: Stack) -> None:
    stack.alertdrill("stop", "pushgateway")
    told = {"alert": "InstanceDown", "service": "pushgateway"}
    # Scrape 5 s, `for` 20 s, evaluation 5 s, group wait 10 s: the keeper had its chance by then.
    poll_until(lambda: stack.notifications(status="firing", **told), "the alert of it", 75)
    assert stack.instances()["pushgateway-1"]["state"] == "stopped"
    stack.alertdrill("start", "pushgateway")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LB_PORT", "high", "LB_PORT is 'high': it takes a whole number"),
        ("PROMETHEUS_PORT", "9093", "PROMETHEUS_PORT and ALERTMANAGER_PORT are both 9093"),
        ("PROMETHEUS_VERSION", "v99-unknown", "PROMETHEUS_VERSION is 'v99-unknown'"),
        ("HAPROXY_VERSION", "no tag", "HAPROXY_VERSION is 'no tag'"),
        ("GRAFANA_PASSWORD", "", "GRAFANA_PASSWORD is empty"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, variable: str, value: str, said: str) -> None:
    ports = {**free_ports(), "ALERTMANAGER_PORT": "9093"}
    made = Stack({**environment(tmp_path, ports), variable: value}, tmp_path)
    done = made.alertdrill("up", check=False)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert left_over(made) == []


def test_fault_token_is_random(stack: Stack) -> None:
    container = f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1"
    token = docker(stack, "exec", container, "cat", "/run/secrets/faults/token").strip()
    assert re.fullmatch(r"[\w-]{43}", token)

"""Containers scale, are restarted when they die, and stay stopped for a while after a stop."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.observed_hardening import compose, docker, inspect
from tests.e2e.stack import (
    Stack,
    containers_only,
    environment,
    free_ports,
    leftovers,
    poll_until,
)
from tests.e2e.test_request_counts import locust

pytestmark = [pytest.mark.stack, containers_only]


def test_new_replica_gets_requests_and_is_removed(stack: Stack) -> None:
    results: list[dict[str, int]] = []
    clients = threading.Thread(target=lambda: results.append(locust(stack, users=10, seconds=60)))
    clients.start()
    try:
        scale(stack, 3)
        three = {"web-1", "web-2", "web-3"}
        scraped = 'up{job="services",service="web"} == 1'
        poll_until(
            lambda: {row["metric"]["instance"] for row in stack.query(scraped)} == three,
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
    assert results[0]["requests"] > 100  # otherwise the test proves nothing
    poll_until(stack.scrapes_everything, "the third to be removed", 20)


def scale(stack: Stack, count: int) -> None:
    """Scale with Compose alone, without `alertdrill`."""
    arguments = ("--detach", "--wait", "--no-recreate", "--scale", f"web={count}", "web")
    output = compose(stack, "up", "--no-deps", *arguments)
    assert "rror" not in output, output


def test_up_renumbers_instances(stack: Stack) -> None:
    # With standby instances, Compose starts others than those that the load balancer looks for.
    docker(stack, "rm", "--force", f"{stack.environment['COMPOSE_PROJECT_NAME']}-web-1")
    scale(stack, 2)
    assert "web-1" not in stack.instances()
    stack.alertdrill("up")
    states = {
        name: container["state"] for name, container in stack.instances().items() if "web-" in name
    }
    assert states == {"web-1": "ready", "web-2": "ready", "web-3": "standby", "web-4": "standby"}
    poll_until(stack.scrapes_everything, "every instance to be scraped again", 20)


def test_changed_service_is_renewed_without_losing_a_request(stack: Stack, tmp_path: Path) -> None:
    before = identities(stack)
    results: list[dict[str, int]] = []
    clients = threading.Thread(target=lambda: results.append(locust(stack, users=20, seconds=120)))
    clients.start()
    more = tmp_path / "more.yml"
    more.write_text("services: {web: {labels: {changed: '1'}}}\n")
    files = {"COMPOSE_FILE": f"docker-compose.yml:{more}"}
    Stack({**stack.environment, **files}, stack.home).alertdrill("up")
    clients.join()
    after = identities(stack)
    assert results[0]["failures"] == 0
    assert results[0]["requests"] > 1000  # otherwise the test proves nothing
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"web-1", "web-2"}
    assert set(after) == set(before)


def test_compose_alone_replaces_no_container(stack: Stack) -> None:
    stack.alertdrill("up")
    before = identities(stack)
    compose(stack, "up", "--detach")
    assert identities(stack) == before
    stack.alertdrill("up")
    assert identities(stack) == before


def identities(stack: Stack) -> dict[str, str]:
    """Return the id of every running container, by its instance."""
    prefix = f"/{stack.environment['COMPOSE_PROJECT_NAME']}-"
    return {item["Name"].removeprefix(prefix): item["Id"] for item in inspect(stack)}


def test_every_killed_container_comes_back(stack: Stack) -> None:
    slow = {}
    for container in inspect(stack):
        name, pid, started = (
            container["Name"].lstrip("/"),
            container["State"]["Pid"],
            time.monotonic(),
        )
        docker(stack, "kill", name)

        def back(name: str = name, pid: int = pid) -> bool:
            [now] = json.loads(docker(stack, "inspect", name))
            return bool(now["State"]["Status"] == "running" and now["State"]["Pid"] != pid)

        poll_until(back, f"{name} to be back", 30)
        if (seconds := time.monotonic() - started) > 15:
            slow[name] = seconds
    assert slow == {}


def test_one_replica_of_what_heals_brings_back_the_other(stack: Stack) -> None:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    docker(stack, "kill", f"{project}-control-1", f"{project}-docker-proxy-1")

    def back() -> bool:
        states = {name: values["state"] for name, values in stack.instances().items()}
        return {states["control-1"], states["docker-proxy-1"]} == {"ready"}

    poll_until(back, "both to be back", 30)


def test_paused_component_is_restarted(stack: Stack) -> None:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    # No alert on these has an action; one replica of the control API restarts the other.
    paused = ["lb-1", "prometheus-1", "alertmanager-1", "responder-1", "control-1"]
    docker(stack, "pause", *(f"{project}-{name}" for name in paused))

    def back() -> bool:
        instances = stack.instances()
        return all(instances[name]["state"] == "ready" for name in paused)

    poll_until(back, "all of them to be back", 60)
    poll_until(stack.scrapes_everything, "every instance to be scraped again", 30)


def test_stopped_container_stays_stopped_for_a_while(stack: Stack) -> None:
    stack.alertdrill("stop", "pushgateway")
    alert = {"alert": "InstanceDown", "service": "pushgateway"}
    # Scrape 5 s, `for` 20 s, evaluation 5 s, group wait 10 s: the control API had time to act.
    poll_until(lambda: stack.notifications(status="firing", **alert), "the alert of it", 75)
    assert stack.instances()["pushgateway-1"]["state"] == "stopped"
    stack.alertdrill("start", "pushgateway")


def test_stopped_proxies_page_and_stay_stopped(stack: Stack) -> None:
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    proxies = [f"{project}-docker-proxy-{number}" for number in (1, 2)]
    docker(stack, "stop", *proxies)
    alert = {"alert": "ControlDown", "service": "docker-proxy"}
    try:
        # Two scrapes of 5 s, `for` 1 m, group wait 10 s.
        poll_until(lambda: stack.notifications(status="firing", **alert), "the page", 120)
        states = json.loads(docker(stack, "inspect", *proxies))
        assert {container["State"]["Status"] for container in states} == {"exited"}
    finally:
        docker(stack, "start", *proxies)
    poll_until(lambda: stack.notifications(status="resolved", **alert), "its end", 90)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LB_PORT", "high", "LB_PORT is 'high': use a whole number"),
        ("PROMETHEUS_PORT", "9093", "PROMETHEUS_PORT and ALERTMANAGER_PORT are both 9093"),
        ("PROMETHEUS_VERSION", "v99-unknown", "PROMETHEUS_VERSION is 'v99-unknown'"),
        ("HAPROXY_VERSION", "no tag", "HAPROXY_VERSION is 'no tag'"),
        ("GRAFANA_PASSWORD", "", "GRAFANA_PASSWORD is ''"),
    ],
)
def test_invalid_setting_is_refused_with_its_variable(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    ports = {**free_ports(), "ALERTMANAGER_PORT": "9093"}
    stack = Stack({**environment(tmp_path, ports), variable: value}, tmp_path)
    completed = stack.alertdrill("up", check=False)
    assert completed.returncode == 1
    assert message in " ".join(completed.stderr.split())
    assert leftovers(stack) == []

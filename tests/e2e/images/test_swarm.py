"""The control API on a Swarm of one node, which is created for the tests and left afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import create_app
from alertdrill.control.settings import ControlSettings
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.select import select_control_target
from alertdrill.runtimes.swarm import runtime
from tests.e2e.images.conftest import Docker
from tests.e2e.stack import poll_until

pytestmark = pytest.mark.engine
TOKEN = "the-token-of-the-control-api"
# The longest that a frozen instance may be away once it is restarted.
MAX_RESTART_S = 15.0
# How long an instance takes to leave, when it is asked to.
DRAIN_S = 1
# A Swarm's names need no virtual addresses (dnsrr), for which not every kernel has IPVS.
STACK = """
version: "3.8"
x-service: &service
  image: IMAGE
  command: [sh, -c, "trap 'sleep DRAIN; exit 0' TERM; touch /healthy; while :; do sleep 0.1; done"]
  healthcheck: {test: [CMD, test, -e, /healthy], interval: 1s, retries: 3}
  stop_grace_period: 20s
  networks: [services]
services:
  web:
    <<: *service
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      labels: {alertdrill.heal: "1"}
      restart_policy: {delay: 1s}
      placement: {max_replicas_per_node: 3}
  data-service:
    <<: *service
    deploy: {replicas: 1, endpoint_mode: dnsrr}
networks:
  services: {}
"""


@dataclass
class Swarm:
    """A stack that runs in a Swarm, and the control API on it."""

    docker: Docker
    project: str
    client: FlaskClient

    def request_json(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the control API's response."""
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Idempotency-Key": secrets.token_hex(8),
        }
        response = self.client.open(path, method=method, json=body, headers=headers)
        content: dict[str, Any] = response.get_json()
        return response.status_code, content

    def states(self) -> dict[str, str]:
        """Return the state of every instance, by its name."""
        body = self.request_json("GET", "/instances")[1]
        instances = body.get("instances", ())
        return {instance["name"]: instance["state"] for instance in instances}

    def containers(self) -> dict[str, str]:
        """Return the id of every running container by the name of its instance."""
        label = f"label=com.docker.stack.namespace={self.project}"
        listed = self.docker("ps", "--filter", label, "--format", "{{.Names}} {{.ID}}")
        rows = [line.split() for line in listed.splitlines()]
        return {"-".join(name.split("_")[-1].split(".")[:2]): id_ for name, id_ in rows}

    def exit_code(self, container: str) -> str:
        """Return the exit code of a container."""
        return self.docker("inspect", "--format", "{{.State.ExitCode}}", container).strip()


@pytest.fixture(scope="module")
def project(docker: Docker) -> Iterator[str]:
    """Return the project's name; skip if the engine is in another Swarm."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}}").strip()
    if state != "inactive":
        pytest.skip(f"the engine's Swarm is {state or 'not there'}, and not ours to make or leave")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", ComposeProject(StackSettings(Path())).engine_host)
        yield f"fd-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def control(project: str, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Return a client of the control API."""
    home = tmp_path_factory.mktemp("swarm")
    stack = StackSettings(home, runtime="swarm", project=project)
    settings = ControlSettings(TOKEN, stack, home / "control")
    return create_app(settings, select_control_target(stack)).test_client()


@pytest.fixture(scope="module")
def manager(docker: Docker, project: str) -> Iterator[None]:
    """Create a Swarm of this node alone, on its loopback; always leave it afterwards."""
    bridge = "docker_gwbridge"
    networks = docker("network", "ls", "--format", "{{.Name}}").split()
    try:
        loopback = ("--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
        docker("swarm", "init", *loopback)
        yield
    finally:
        docker("stack", "rm", project, check=False)
        docker("swarm", "leave", "--force", check=False)
        if bridge not in networks:
            docker("network", "rm", bridge, check=False)
    label = f"label=com.docker.stack.namespace={project}"
    poll_until(
        lambda: not docker("ps", "--all", "--quiet", "--filter", label), "nothing to be left", 30
    )


@pytest.fixture(scope="module")
def swarm(
    docker: Docker,
    project: str,
    control: FlaskClient,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Swarm:
    """Deploy the stack; return once every instance is ready."""
    settings: StackSettings = request.getfixturevalue("settings")
    inspect: Callable[[str], dict[str, Any]] = request.getfixturevalue("inspect")
    image = f"busybox:{settings.versions.busybox}"
    inspect(image)
    request.getfixturevalue("manager")
    file = tmp_path_factory.mktemp("stack") / "stack.yml"
    file.write_text(STACK.replace("IMAGE", image).replace("DRAIN", str(DRAIN_S)))
    options = ("--resolve-image", "never", "--compose-file", str(file))
    docker("stack", "deploy", *options, project)
    swarm = Swarm(docker, project, control)
    all_three = dict.fromkeys(("web-1", "web-2", "data-service-1"), "ready")
    poll_until(lambda: swarm.states() == all_three, "every instance to serve", 60)
    return swarm


def test_engine_without_a_swarm_is_unavailable(control: FlaskClient) -> None:
    response = control.get("/instances", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 503
    assert "swarm" in response.get_json()["detail"]


def test_tasks_are_instances(swarm: Swarm) -> None:
    status, body = swarm.request_json("GET", "/instances")
    assert status == 200
    assert {instance["name"]: instance["healing_enabled"] for instance in body["instances"]} == {
        "web-1": True,
        "web-2": True,
        "data-service-1": False,
    }
    assert body["services"]["web"] == {
        "min_replicas": 2,
        "max_replicas": 4,
        "scale": 2,
        "healing_enabled": True,
    }


def test_frozen_instance_is_replaced(swarm: Swarm) -> None:
    before = swarm.containers()
    swarm.docker("pause", before["web-2"])
    assert swarm.states()["web-2"] == "paused"
    started = time.monotonic()
    status, body = swarm.request_json("POST", "/instances/web-2/restart", {"grace_period": 0})
    assert status == 200, body
    assert time.monotonic() - started < MAX_RESTART_S
    assert swarm.states()["web-2"] == "ready"
    after = swarm.containers()
    assert {name for name in before if before[name] != after.get(name)} == {"web-2"}
    assert swarm.exit_code(before["web-2"]) == "137"


def test_restart_without_grace_drains(swarm: Swarm) -> None:
    before = swarm.containers()["web-1"]
    assert swarm.request_json("POST", "/instances/web-1/restart", {})[0] == 200
    assert swarm.exit_code(before) == "0"


def test_new_instance_is_ready_and_is_removed(swarm: Swarm) -> None:
    before = swarm.containers()
    assert swarm.request_json("PUT", "/services/web/scale", {"instances": 3})[0] == 200
    assert swarm.states()["web-3"] == "ready"
    three = swarm.containers()
    assert set(three) - set(before) == {"web-3"}
    started = time.monotonic()
    assert swarm.request_json("PUT", "/services/web/scale", {"instances": 2})[0] == 200
    assert time.monotonic() - started > DRAIN_S
    after = swarm.containers()
    # Which of them leaves is Swarm's to choose; the others are those that were there.
    assert after.items() < three.items()
    assert len(after) == len(before)


def test_scale_without_room_is_undone(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "TIMEOUT_S", 5.0)
    status, body = swarm.request_json("PUT", "/services/web/scale", {"instances": 4})
    assert (status, "no suitable node" in body["detail"]) == (409, True), body
    poll_until(
        lambda: len(swarm.states()) == len(swarm.containers()) == 3, "two of web to be left", 30
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/instances/data-service-1/restart", {"grace_period": 0}),
        ("PUT", "/services/data-service/scale", {"instances": 2}),
    ],
)
def test_service_without_the_label_is_not_changed(
    swarm: Swarm, method: str, path: str, body: dict[str, int]
) -> None:
    before = swarm.containers()
    assert swarm.request_json(method, path, body)[0] == 403
    assert swarm.containers() == before


def test_killed_instance_is_replaced_by_swarm(swarm: Swarm) -> None:
    name, container = next(iter(swarm.containers().items()))
    swarm.docker("kill", container)

    def back() -> bool:
        current = swarm.containers().get(name)
        return current not in (None, container) and swarm.states()[name] == "ready"

    poll_until(back, f"{name} to be back", 30)

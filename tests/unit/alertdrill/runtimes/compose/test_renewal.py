"""A changed service is replaced by new instances; old ones leave only after new ones serve."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose import renewal
from alertdrill.runtimes.errors import EngineError, NotReadyError
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine

HASH = "com.docker.compose.config-hash"
NETWORKS = {
    "services": {
        "name": "alertdrill_services",
        "internal": True,
        "driver_opts": {"inhibit_ipv4": "true"},
    }
}
MODEL = {
    "services": {"web": {"image": "web:1"}, "data-service": {"image": "data:1"}},
    "networks": NETWORKS,
}


class FakeProject:
    """A Compose that numbers and replaces containers as the real one does.

    `seen` has the instances that run before each of its commands.
    """

    def __init__(self, settings: StackSettings, *containers: str) -> None:
        self.settings = settings
        self.engine = FakeEngine(*containers)
        self.hashes = {"web": "new", "data-service": "new"}
        self.images = {"web:1": "id-of-web", "data:1": "id-of-data"}
        # The state and the health of an instance that starts.
        self.started_as = ("running", "healthy")
        self.seen: list[list[str]] = []
        # The instances that run before each container that runs once, and its service.
        self.released: list[tuple[list[str], str]] = []
        for instance in self.engine.states:
            self.label(instance, "new")

    def label(self, instance: str, config_hash: str) -> None:
        self.engine.labels[instance] = {HASH: config_hash}
        self.engine.images[instance] = "id-of-web" if instance.startswith("web") else "id-of-data"

    def config_hashes(self) -> dict[str, str]:
        return self.hashes

    def image_id(self, image: str) -> str:
        return self.images[image]

    def run(self, command: str, *arguments: str) -> str:
        if command == "run":
            self.released.append((self.engine.alive(), arguments[-1]))
            return ""
        assert (command, arguments[-1]) == ("up", "web")
        self.seen.append(self.engine.alive())
        scale = int(arguments[arguments.index("--scale") + 1].removeprefix("web="))
        for number in range(1, scale + 1):
            instance = f"web-{number}"
            is_new = instance not in self.engine.states
            labels = self.engine.labels.get(instance)
            if is_new or (labels != {HASH: "new"} and "--no-recreate" not in arguments):
                assert "--no-start" in arguments  # it would start all of them at once
                self.engine.add(instance, "created", "starting")
                self.label(instance, "new")
        return ""

    def docker(self, command: str, *arguments: str) -> str:
        if command == "logs":
            return "ImportError: no module\n"
        if command == "rm":
            for name in arguments[1:]:
                del self.engine.states[name.removeprefix("alertdrill-")]
        return ""


@pytest.fixture
def project(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    project = FakeProject(settings, "web-1", "web-2", "data-service-1", "lb-1")
    for instance in ("web-1", "web-2"):
        project.label(instance, "old")

    def statistics(*_: object) -> SimpleNamespace:
        rows = [f"web,{name},UP" for name in project.engine.alive()]
        return SimpleNamespace(text="\n".join(["# pxname,svname,status", *rows]))

    def start(name: str) -> None:
        engine.calls.append(f"start {name.removeprefix('alertdrill-')}")
        engine.add(name.removeprefix("alertdrill-"), *project.started_as)

    engine = project.engine
    monkeypatch.setattr(engine, "start", start)
    monkeypatch.setattr(http, "request", statistics)
    return project


def renew(project: Any) -> None:
    renewal.renew(project, "web", 2, lambda _: None)


@pytest.mark.parametrize(("config_hash", "image"), [("old", "id-of-web"), ("new", "older")])
def test_service_with_another_configuration_or_image_has_changed(
    project: Any, config_hash: str, image: str
) -> None:
    project.label("web-1", "new")
    project.label("web-2", config_hash)
    project.engine.images["web-2"] = image
    assert renewal.changed_services(project, MODEL) == ["web"]


def test_standby_instance_changes_no_service(project: Any) -> None:
    project.engine.states |= {"web-1": "created", "web-2": "exited"}
    assert renewal.changed_services(project, MODEL) == []


def test_old_instances_serve_until_new_ones_do(project: Any) -> None:
    renew(project)
    others = ["data-service-1", "lb-1"]
    assert project.seen == [
        [*others, "web-1", "web-2"],
        [*others, "web-1", "web-2", "web-3", "web-4"],
    ]
    assert project.engine.alive() == [*others, "web-1", "web-2"]
    assert project.engine.labels["web-1"][HASH] == "new"


def test_instances_start_one_after_the_other(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[str] = []

    def wait(check: Any, what: str, _: float) -> None:
        assert check()
        waits.append(f"{what} after {len(project.engine.calls)}")

    monkeypatch.setattr(renewal, "wait_until", wait)
    renew(project)
    names = ("web-3", "web-4", "web-1", "web-2")
    assert project.engine.calls[:4] == [f"start {name}" for name in names]
    assert waits == [f"requests to {name} after {at}" for at, name in enumerate(names, 1)]


def test_extra_instances_leave_by_a_graceful_stop(project: Any) -> None:
    renew(project)
    assert sorted(project.engine.calls[4:]) == ["stop web-3", "stop web-4"]


@pytest.mark.parametrize("state", [("restarting", "starting"), ("running", "unhealthy")])
def test_version_that_does_not_start_replaces_nothing(project: Any, state: tuple[str, str]) -> None:
    project.started_as = state
    message = r"^web-3 fails\. The last log line of web-3: ImportError: no module$"
    with pytest.raises(EngineError, match=message):
        renew(project)
    assert project.engine.alive() == ["data-service-1", "lb-1", "web-1", "web-2"]
    assert project.engine.labels["web-1"][HASH] == "old"


def test_interruption_while_old_ones_are_replaced_leaves_all_running(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object, what: str, __: float) -> None:
        if what == "requests to web-1":
            raise KeyboardInterrupt

    monkeypatch.setattr(renewal, "wait_until", interrupt)
    with pytest.raises(KeyboardInterrupt):
        renew(project)
    others = ["data-service-1", "lb-1"]
    assert project.engine.alive() == [*others, "web-1", "web-2", "web-3", "web-4"]


def test_unhealthy_version_is_replaced(project: Any) -> None:
    project.engine.health["web-1"] = "unhealthy"
    renew(project)
    assert project.engine.labels["web-1"][HASH] == "new"
    assert project.engine.health["web-1"] == "healthy"


def test_instance_without_requests_replaces_nothing(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = SimpleNamespace(text="# pxname,svname,status\nweb,web-3,DOWN\nweb-large,web-3,UP\n")
    monkeypatch.setattr(http, "request", lambda *_: page)
    monkeypatch.setattr(renewal, "wait_until", wait_once)
    with pytest.raises(NotReadyError, match="requests to web-3"):
        renew(project)
    assert project.engine.labels["web-1"][HASH] == "old"


def wait_once(check: Any, what: str, _: float) -> None:
    if not check():
        raise NotReadyError(what)


@pytest.mark.parametrize(
    ("existing", "changed"),
    [
        (None, False),
        ({"Internal": True, "Options": {"inhibit_ipv4": "true", "more": "1"}}, False),
        ({"Internal": True, "Options": {}}, True),
        ({"Internal": False, "Options": {"inhibit_ipv4": "true"}}, True),
    ],
)
def test_network_of_another_declaration_has_changed(
    project: Any, monkeypatch: pytest.MonkeyPatch, existing: object, changed: bool
) -> None:
    def get(path: str) -> object:
        assert path == "/networks/alertdrill_services"
        if existing is None:
            raise EngineError("no such network", 404)
        return existing

    monkeypatch.setattr(project.engine, "get", get)
    assert renewal.has_changed_network(project, MODEL) is changed


def test_release_runs_before_the_new_instances(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = SERVICES["web"].model_copy(update={"release": "flask db upgrade"})
    monkeypatch.setattr(renewal, "SERVICES", {**SERVICES, "web": web})
    before = project.engine.alive()
    renew(project)
    assert project.released == [(before, "web-release")]

"""A change of apps/services.yml is applied to a stack that runs, and loses no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from alertdrill.config.service import Replicas, Service
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import config_files
from alertdrill.runtimes.errors import NotReadyError, ServiceNotReadyError
from alertdrill.runtimes.native import configs, live_update, plan, service_command, stack

ORDERS = SERVICES["data-service"].model_copy(
    update={"name": "orders", "port": 5003, "internal": ("/orders",)}
)
Declare = Callable[[Mapping[str, Service]], None]


@pytest.fixture
def declare(running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Return a function that declares other services from now on."""
    monkeypatch.setattr(running, "check", lambda _: messages.append("check"))

    def change(services: Mapping[str, Service]) -> None:
        for module in (plan, stack, configs, config_files, live_update):
            monkeypatch.setattr(module, "SERVICES", services)
        counts = {name: service.replicas.min for name, service in services.items()}
        monkeypatch.setattr(StackSettings, "min_replicas", lambda _: dict(counts))
        monkeypatch.setattr(
            "alertdrill.config.settings.Ports.instance",
            lambda ports, name, number: ports.instances + services[name].offset + number,
        )
        names = {process.ready: process.name for process in running.plan().processes}

        def probe(url: str, timeout: float) -> bool:
            messages.append(f"wait {names[url]}")
            return True

        monkeypatch.setattr("alertdrill.clients.http.is_ready", probe)

    return change


def up(running: Any) -> None:
    running.up(lambda _: None)


def changed(name: str, **values: object) -> Mapping[str, Service]:
    return {**SERVICES, name: SERVICES[name].model_copy(update=values)}


def test_new_service_is_ready_before_it_gets_requests(
    running: Any, declare: Declare, messages: list[str]
) -> None:
    declare({**SERVICES, "orders": ORDERS})
    up(running)
    reload = messages.index("SIGUSR2 lb-1")
    assert messages[0] == "check"
    assert {"start orders-1", "start orders-2", "wait orders-2"} <= set(messages[:reload])
    assert {"ready orders/orders-1", "maint orders/orders-3"} <= set(messages[reload:])
    # What has not changed is not touched.
    assert not any(message.startswith(("stop web", "stop data", "stop lb")) for message in messages)


def test_removed_service_gets_no_requests_before_its_instances_stop(
    running: Any, declare: Declare, messages: list[str]
) -> None:
    declare({"web": SERVICES["web"].model_copy(update={"calls": ()})})
    up(running)
    stop = next(message for message in messages if message.startswith("stop data-service"))
    assert messages.index("SIGUSR2 lb-1") < messages.index(stop)
    assert "data-service-1" not in running.supervisor.states


def test_changed_instances_are_replaced_one_by_one(
    running: Any, declare: Declare, messages: list[str]
) -> None:
    declare(changed("web", threads=4))
    up(running)
    own = [message for message in messages if "web-1" in message or "web-2" in message]
    assert own[:14] == [
        "drain web/web-1",
        "web-1 has 0",
        "stop web-1",
        "maint web/web-1",
        "remove web-1",
        "start web-1",
        "wait web-1",
        "ready web/web-1",
        "drain web/web-2",
        "web-2 has 0",
        "stop web-2",
        "maint web/web-2",
        "remove web-2",
        "start web-2",
    ]
    assert "remove web-3" in messages  # on standby


def test_another_instance_serves_while_the_only_one_is_replaced(
    running: Any, declare: Declare, messages: list[str]
) -> None:
    declare(changed("web", replicas=Replicas(min=1, max=2)))
    up(running)
    assert [name for name in running.supervisor.states if name.startswith("web")] == [
        "web-1",
        "web-2",
    ]
    messages.clear()
    declare(changed("web", replicas=Replicas(min=1, max=2), threads=4))
    up(running)
    spare, only = messages.index("ready web/web-2"), messages.index("drain web/web-1")
    assert spare < only < messages.index("drain web/web-2")


def test_count_follows_the_minimum(running: Any, declare: Declare, messages: list[str]) -> None:
    declare(changed("web", replicas=Replicas(min=3, max=4)))
    up(running)
    assert "start web-3" in messages
    assert "ready web/web-3" in messages
    messages.clear()
    declare(SERVICES)
    up(running)
    assert [message for message in messages if "web-3" in message][:3] == [
        "drain web/web-3",
        "web-3 has 0",
        "stop web-3",
    ]


def test_service_whose_release_fails_leaves_the_others(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotReadyError("no such table.")

    monkeypatch.setattr(service_command, "run_to_end", fail)
    orders = ORDERS.model_copy(update={"release": "migrate"})
    declare({**SERVICES, "orders": orders, **changed("web", threads=4)})
    with pytest.raises(ServiceNotReadyError, match="orders has no new instances: no such table"):
        up(running)
    assert "start orders-1" not in messages
    assert "start web-1" in messages


def test_release_of_a_changed_service_runs_once(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_process: object, command: list[str], *_: object) -> None:
        messages.append(" ".join(command))

    monkeypatch.setattr(service_command, "run_to_end", run)
    declare(changed("web", threads=4, release="flask db upgrade"))
    up(running)
    assert messages.count("flask db upgrade") == 1
    assert messages.index("flask db upgrade") < messages.index("drain web/web-1")


def test_interrupted_change_is_applied_by_the_next_up(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    declare(changed("web", threads=4))
    with monkeypatch.context() as patch:
        patch.setattr(live_update, "_reload_lb", interrupt)
        with pytest.raises(KeyboardInterrupt):
            up(running)
    messages.clear()
    up(running)
    assert {"SIGUSR2 lb-1", "start web-1", "start web-2"} <= set(messages)


def test_change_of_a_killed_up_is_completed(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit  # as if killed: nothing cleans up

    declare({**SERVICES, "orders": ORDERS, **changed("web", threads=4)})
    with monkeypatch.context() as patch:
        patch.setattr(running.lb, "set", die)
        with pytest.raises(SystemExit):
            up(running)
    messages.clear()
    up(running)
    assert {"start web-1", "start web-2", "ready orders/orders-1"} <= set(messages)
    messages.clear()
    up(running)
    assert not any(message.startswith(("SIG", "start", "stop")) for message in messages)


def test_repaired_service_gets_its_whole_change(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(changed("web", threads=4))
    with monkeypatch.context() as patch:
        patch.setattr(stack, "READY_TIMEOUT_S", -1)
        patch.setattr("alertdrill.clients.http.is_ready", lambda url, _: ":151" not in url)
        with pytest.raises(ServiceNotReadyError, match="web-1 is not ready"):
            up(running)
    assert "stop web-2" not in messages
    messages.clear()
    up(running)
    assert "start web-2" in messages


def test_port_of_a_removed_service_is_free_before_another_one_starts(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {name: service for name, service in SERVICES.items() if name != "data-service"}
    renamed = SERVICES["data-service"].model_copy(update={"name": "renamed"})
    ports = {process.name: process.port for process in running.plan().processes}
    pids = {running.supervisor.pid_of(name): name for name in running.supervisor.states}
    monkeypatch.setattr(live_update, "variable_of", lambda pid, _: str(ports.get(pids.get(pid))))
    declare({**others, "web": SERVICES["web"].model_copy(update={"calls": ()}), "renamed": renamed})
    up(running)
    [stop] = [message for message in messages if message.startswith("stop data-service-1")]
    assert messages.index(stop) < messages.index("start renamed-1")


def test_second_up_changes_nothing(running: Any, declare: Declare, messages: list[str]) -> None:
    declare(changed("web", threads=4))
    up(running)
    messages.clear()
    up(running)
    assert not any(message.startswith(("SIG", "start", "stop", "drain")) for message in messages)


@pytest.mark.parametrize("component", ["prometheus", "alertmanager", "responder"])
def test_changed_file_is_read_without_a_restart(
    running: Any,
    declare: Declare,
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
    component: str,
) -> None:
    declare(SERVICES)
    digests = {**configs._digests(), component: "another"}
    monkeypatch.setattr(configs, "_digests", lambda: digests)
    up(running)
    signals = [message for message in messages if message.startswith("SIG")]
    assert signals == [f"SIGHUP {component}-1"]
    messages.clear()
    up(running)
    assert not any(message.startswith("SIG") for message in messages)


def test_broken_file_is_not_installed(
    running: Any, declare: Declare, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise configs.ConfigError("prometheus/rules/x.yml is broken.")

    declare(SERVICES)
    monkeypatch.setattr(configs, "_digests", lambda: {"prometheus": "another"})
    monkeypatch.setattr(running, "check", fail)
    with pytest.raises(configs.ConfigError):
        up(running)
    assert not any(message.startswith("SIG") for message in messages)


@pytest.mark.parametrize(
    "services",
    [changed("web", port=5007), changed("web", port=5007, threads=4)],
    ids=["port", "port and threads"],
)
def test_changed_port_restarts_the_stack(
    running: Any, declare: Declare, messages: list[str], services: Mapping[str, Service]
) -> None:
    declare(services)
    up(running)
    assert "supervisord" in messages

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config import ROOT
from alertdrill.config.services import SERVICES
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import NotReadyError, StackUnavailableError, UnknownTargetError
from alertdrill.runtimes.native import configs, stack, tagged_processes
from alertdrill.runtimes.prometheus_tsdb import TsdbError, TsdbStore
from tests.unit.alertdrill.declared_services import redeclare

Scale = Callable[[int], list[str]]


def test_status_has_every_state(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running.supervisor.states |= {
        "data-service-1": "FATAL",
        "data-service-2": "STOPPED",
        "loki-1": "BACKOFF",
    }
    paused = running.supervisor.pid_of("web-2")
    monkeypatch.setattr(tagged_processes, "is_paused", lambda pid: pid == paused)
    monkeypatch.setattr(http, "is_ready", lambda url, _: ":15151/" in url)
    states = {instance.name: instance.state for instance in running.status()}
    assert {
        "web-1": "ready",
        "web-2": "paused",
        "web-3": "standby",
        "lb-1": "unready",
        "loki-1": "starting",
        "data-service-1": "failed",
        "data-service-2": "stopped",
    }.items() <= states.items()


def test_status_has_the_process(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 12.34)
    monkeypatch.setattr(tagged_processes, "is_paused", lambda _: False)
    instances = {instance.name: instance for instance in running.status()}
    web, standby, lb = instances["web-1"], instances["web-3"], instances["lb-1"]
    assert (web.service, web.address, web.uptime_seconds) == ("web", "127.0.0.1:15101", 12.3)
    assert (web.healing_enabled, lb.healing_enabled) == (True, False)
    assert (standby.pid, standby.uptime_seconds) == (None, None)


def test_stack_that_is_down_has_no_instances(runtime: Any) -> None:
    assert runtime.status() == []
    for change in (runtime.start, runtime.stop, runtime.kill, runtime.restart):
        with pytest.raises(StackUnavailableError, match="start it with `make up`"):
            change("web-1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("stop", ["stop web-1 web-2"]),
        ("start", ["start web-1", "start web-2", "wait web-1", "wait web-2"]),
        ("kill", ["SIGKILL web-1", "SIGKILL web-2"]),
        ("pause", ["SIGSTOP web-1", "SIGSTOP web-2"]),
        ("resume", ["SIGCONT web-1", "SIGCONT web-2"]),
        (
            "restart",
            [
                *("stop web-1", "start web-1", "wait web-1"),
                *("stop web-2", "start web-2", "wait web-2"),
            ],
        ),
    ],
)
def test_service_is_all_of_its_instances(
    running: Any, messages: list[str], change: str, expected: list[str]
) -> None:
    getattr(running, change)("web")
    assert messages == expected


def test_unknown_and_standby_targets_are_refused(running: Any, messages: list[str]) -> None:
    for target in ("web-9", "unknown"):
        with pytest.raises(UnknownTargetError, match=f"no instance or service named '{target}'"):
            running.stop(target)
    with pytest.raises(UnknownTargetError, match="web-3 is on standby: scale its service"):
        running.kill("web-3")
    assert messages == []


def test_addresses_are_of_the_stack(runtime: Any) -> None:
    assert runtime.address("node-exporter") == "http://127.0.0.1:9100"
    assert runtime.addresses()["Prometheus"] == "http://127.0.0.1:9090/"
    with pytest.raises(UnknownTargetError, match="no component named 'unknown': see `make status`"):
        runtime.address("unknown")


def test_logs_are_of_the_target(runtime: Any) -> None:
    runtime.layout.make()
    for name in ("web-1", "web-3", "lb-1"):
        (runtime.layout.logs / f"{name}.jsonl").write_text(f"1 of {name}\n2 of {name}\n")
    assert list(runtime.logs("web", 1)) == [("web-1", "2 of web-1"), ("web-3", "2 of web-3")]
    assert len(list(runtime.logs(None, None))) == 6
    assert list(next(iter(runtime.follow("lb-1", 1)))) == [("lb-1", "2 of lb-1")]


def test_folders_of_drills(runtime: Any) -> None:
    (runtime.layout.data / "prometheus").mkdir(parents=True)
    assert runtime.data_folder("prometheus") == runtime.layout.data / "prometheus"
    assert runtime.scratch_folder().is_dir()
    with pytest.raises(UnknownTargetError, match="'unknown' has no data folder"):
        runtime.data_folder("unknown")


@pytest.fixture
def scale(running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> Scale:
    write = configs.write_targets

    def write_targets(*arguments: Any) -> None:
        write(*arguments)
        messages.append("targets")

    def run(count: int) -> list[str]:
        messages.clear()
        running.scale("web", count, lambda text: messages.append(f"say {text}"))
        return list(messages)

    monkeypatch.setattr(configs, "write_targets", write_targets)
    return run


def listed(runtime: Any, job: str) -> list[str]:
    rows = json.loads((runtime.layout.targets / f"{job}.json").read_text())
    return [row["labels"]["instance"] for row in rows]


def test_new_instance_is_scraped_before_it_gets_requests(scale: Scale, running: Any) -> None:
    assert scale(3) == [
        *("start web-3", "wait web-3", "targets"),
        *("ready web/web-3", "say web-3 is ready"),
    ]
    assert listed(running, "services")[:3] == ["web-1", "web-2", "web-3"]


def test_new_instances_start_in_parallel(scale: Scale) -> None:
    assert scale(4)[:4] == ["start web-3", "start web-4", "wait web-3", "wait web-4"]


def test_leaving_instance_drains_first(scale: Scale, running: Any) -> None:
    running.lb.requests = {"web-2": 1}
    assert scale(1) == [
        *("drain web/web-2", "web-2 has 1", "web-2 has 0"),
        *("stop web-2", "maint web/web-2", "say web-2 is on standby", "targets"),
    ]
    assert listed(running, "services")[:2] == ["web-1", "data-service-1"]


def test_leaving_instances_drain_in_parallel(scale: Scale) -> None:
    scale(4)
    messages = scale(2)
    assert messages[:2] == ["drain web/web-3", "drain web/web-4"]
    assert "stop web-3 web-4" in messages


def test_second_instance_serves_while_the_only_one_is_renewed(
    scale: Scale, running: Any, messages: list[str]
) -> None:
    scale(1)
    messages.clear()
    running.renew("web", lambda _: None)
    assert [message for message in messages if message.split()[0] in ("ready", "stop")] == [
        *("ready web/web-2", "stop web-1", "stop web-2"),
    ]
    assert running.replicas()["web"] == 1


def test_replica_count_is_stored(scale: Scale, running: Any) -> None:
    assert scale(2) == ["targets"]
    scale(3)
    assert running.replicas()["web"] == 3


@pytest.mark.parametrize(
    ("service", "count", "message"),
    [
        ("web", 5, "from 1 to 4 instances, not to 5"),
        ("web", 0, "from 1 to 4 instances, not to 0"),
        ("lb", 1, "'lb' can't be scaled"),
    ],
)
def test_impossible_replica_count_is_refused(
    running: Any, service: str, count: int, message: str
) -> None:
    with pytest.raises(AlertdrillError, match=message):
        running.scale(service, count, lambda _: None)


def test_endless_request_aborts_scaling(
    scale: Scale, running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "DRAIN_MARGIN_S", -SERVICES["web"].limits.response)
    running.lb.requests = {"web-2": 10**9}
    error = r"^Timed out after 0 s waiting for web-2 to finish its requests\.$"
    with pytest.raises(NotReadyError, match=error):
        scale(1)
    assert not any(message.startswith(("stop", "targets")) for message in messages)
    assert messages[-1] == "ready web/web-2"
    assert running.replicas()["web"] == 2


def test_open_event_stream_does_not_abort_scaling(
    scale: Scale, running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = SERVICES["web"].limits.model_copy(update={"tunnel_timeout": 3600.0, "response": 0.0})
    redeclare(monkeypatch, "web", limits=limits)
    monkeypatch.setattr(stack, "DRAIN_MARGIN_S", 0)
    running.lb.requests = {"web-2": 10**9}
    scale(1)
    assert "stop web-2" in messages
    assert running.replicas()["web"] == 1


def test_service_with_an_image_runs_in_containers_only(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "data-service", image="example.com/data:1")
    assert not runtime.plan().of("data-service")
    with pytest.raises(UnknownTargetError, match=r"^data-service has an image: only a stack in"):
        runtime.execute("data-service", ["true"])


def test_failed_instance_gets_no_requests(
    scale: Scale, running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "is_ready", lambda *_: False)
    monkeypatch.setattr("alertdrill.runtimes.native.stack.READY_TIMEOUT_S", -1)
    with pytest.raises(NotReadyError):
        scale(3)
    assert messages == ["start web-3", "stop web-3"]
    assert running.replicas()["web"] == 2


def content(runtime: Any) -> dict[str, str]:
    """Return every file that the programs read."""
    files = (file for file in runtime.layout.etc.rglob("*") if file.is_file())
    return {str(file): file.read_text() for file in files}


@pytest.fixture
def fast(runtime: Any, messages: list[str]) -> Any:
    """Return the runtime of a stack at speed 12, whose configurations are copies."""
    runtime.settings = replace(runtime.settings, speed=12.0)
    runtime.up(lambda _: None)
    messages.clear()
    return runtime


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("prometheus", "rules.d/drill.yml"),
        ("prometheus", "scrape.d/drill.yml"),
        ("prometheus", "scrape.d/native.yml"),
        ("prometheus", "prometheus.yml"),
        ("alertmanager", "alertmanager.yml"),
        ("alertmanager", "webhook_url"),
        ("loki", "overrides.yml"),
    ],
)
def test_configuration_is_added_and_removed(fast: Any, component: str, name: str) -> None:
    before = content(fast)
    for _ in range(2):
        fast.break_config(component, name, "broken: [")
    assert (fast.layout.etc / component / name).read_text() == "broken: ["
    for _ in range(2):
        fast.restore_config(component, name)
    assert content(fast) == before


def test_link_is_replaced(running: Any) -> None:
    committed = ROOT / "alerting/alertmanager.yml"
    before = committed.read_text()
    running.break_config("alertmanager", "alertmanager.yml", "broken: [")
    assert committed.read_text() == before
    running.restore_config("alertmanager", "alertmanager.yml")
    assert (running.layout.etc / "alertmanager/alertmanager.yml").readlink() == committed


def test_component_is_reloaded(running: Any, messages: list[str]) -> None:
    running.supervisor.states["alertmanager-1"] = "STOPPED"
    running.break_config("prometheus", "rules.d/drill.yml", "groups: []")
    running.break_config("alertmanager", "alertmanager.yml", "broken: [")
    running.break_config("loki", "overrides.yml", "overrides: {}")  # a signal would end Loki
    assert messages == ["SIGHUP prometheus-1"]


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("prometheus", "rules"),
        ("prometheus", "rules/availability.yml"),
        ("prometheus", "rules.d/../../x.yml"),
        ("prometheus", "rules.d/drill.txt"),
        ("prometheus", "targets/stack.json"),
        ("alertmanager", "../prometheus/prometheus.yml"),
        ("lb", "haproxy.cfg"),
    ],
)
def test_other_files_are_refused(
    running: Any, messages: list[str], component: str, name: str
) -> None:
    before = content(running)
    refusal = r"can't be configured: use prometheus/rules\.d/"
    with pytest.raises(UnknownTargetError, match=refusal):
        running.break_config(component, name, "x")
    with pytest.raises(UnknownTargetError, match=refusal):
        running.restore_config(component, name)
    assert (content(running), messages) == (before, [])


@pytest.mark.parametrize(("service", "job"), [("node-exporter", "stack"), ("web", "services")])
def test_targets_are_dropped_and_restored(running: Any, service: str, job: str) -> None:
    before = content(running)
    running.drop_targets(service)
    after = content(running)
    assert not any(name.startswith(service) for name in listed(running, job))
    changed = [Path(name).name for name in before if after[name] != before[name]]
    assert changed == [f"{job}.json"]
    running.restore_targets()
    assert content(running) == before
    with pytest.raises(UnknownTargetError, match="no instance or service named 'unknown'"):
        running.drop_targets("unknown")


@pytest.mark.parametrize(
    ("name", "arguments", "verb"),
    [("backfill", [Path("past.txt")], "backfilled"), ("delete_series", [], "deleted")],
)
def test_only_series_of_ephemeral_stacks_are_changed(
    running: Any, monkeypatch: pytest.MonkeyPatch, name: str, arguments: list[Path], verb: str
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(TsdbStore, name, lambda *passed: calls.append(passed))
    with pytest.raises(TsdbError, match=f"^The series of this stack can't be {verb}: use an eph"):
        getattr(running, name)(*arguments)
    running.ephemeral = True
    getattr(running, name)(*arguments)
    [(store, *passed)] = calls
    assert (store.folder, passed) == (running.layout.data / "prometheus", arguments)
    running.supervisor.shutdown()
    with pytest.raises(StackUnavailableError):
        getattr(running, name)(*arguments)

import json
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.services import all_components
from alertdrill.config.settings import IN_NETWORK, StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose import init_config
from alertdrill.runtimes.compose.in_network import InNetworkRuntime
from alertdrill.runtimes.errors import NotReadyError, UnknownTargetError
from alertdrill.runtimes.prometheus_tsdb import TsdbError
from alertdrill.runtimes.select import select_fault_target
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "etc"
    monkeypatch.setattr(init_config, "ETC", folder)
    monkeypatch.setattr(
        init_config.RenderContext, "from_env", classmethod(lambda cls, _: _render_context(folder))
    )
    init_config.write_targets(_render_context(folder))
    return folder


def _render_context(folder: Path) -> init_config.RenderContext:
    replicas = dict.fromkeys(all_components(), 1) | {"web": 2, "data-service": 2}
    return init_config.RenderContext("alertdrill", 1.0, replicas, folder)


@pytest.fixture
def runtime(etc: Path, settings: StackSettings) -> InNetworkRuntime:
    return with_engine(InNetworkRuntime(settings), "web-1", "prometheus-1")


def with_engine(runtime: InNetworkRuntime, *containers: str) -> InNetworkRuntime:
    engine: Any = FakeEngine(*containers)
    runtime._engine = engine
    return runtime


def calls(runtime: InNetworkRuntime) -> Any:
    engine: Any = runtime._engine
    return engine.calls


def test_configuration_is_replaced_and_restored(runtime: InNetworkRuntime, etc: Path) -> None:
    runtime.break_config("prometheus", "rules.d/drill.yml", "groups: [")
    assert (etc / "prometheus/rules.d/drill.yml").read_text() == "groups: ["
    runtime.restore_config("prometheus", "rules.d/drill.yml")
    assert not (etc / "prometheus/rules.d/drill.yml").exists()
    assert calls(runtime) == ["kill prometheus-1 HUP"] * 2


def test_loki_gets_no_signal(runtime: InNetworkRuntime, etc: Path) -> None:
    runtime.break_config("loki", "overrides.yml", "overrides: {fake: {}}")
    assert "fake" in (etc / "loki/overrides.yml").read_text()
    runtime.restore_config("loki", "overrides.yml")
    assert "overrides: {}" in (etc / "loki/overrides.yml").read_text()
    assert calls(runtime) == []


def test_committed_file_is_restored(runtime: InNetworkRuntime, etc: Path) -> None:
    runtime.break_config("alertmanager", "alertmanager.yml", "no")
    runtime.restore_config("alertmanager", "alertmanager.yml")
    assert "receivers:" in (etc / "alertmanager/alertmanager.yml").read_text()
    runtime.break_config("alertmanager", "webhook_url", "http://127.0.0.1:9/")
    runtime.restore_config("alertmanager", "webhook_url")
    written = (etc / "alertmanager/webhook_url").read_text()
    assert written == "http://responder-on-telemetry:8090/webhook"


@pytest.mark.parametrize("name", ["../secret.yml", "rules.d/drill.txt", "targets/stack.json"])
def test_other_files_are_refused(runtime: InNetworkRuntime, name: str) -> None:
    with pytest.raises(UnknownTargetError, match="can't be configured: use prometheus/rules"):
        runtime.break_config("prometheus", name, "x")


def test_dropped_targets_are_restored(runtime: InNetworkRuntime, etc: Path) -> None:
    listed = etc / "prometheus/targets/stack.json"
    runtime.drop_targets("prometheus")
    assert "prometheus-1" not in listed.read_text()
    runtime.restore_targets()
    assert "prometheus-1" in listed.read_text()


def test_dropping_targets_keeps_the_replica_count(runtime: InNetworkRuntime, etc: Path) -> None:
    runtime.drop_targets("web")
    assert listed(etc, "web") == []
    runtime.restore_targets()
    assert listed(etc, "web") == ["web-1", "web-2"]


def replicas(etc: Path) -> Any:
    return json.loads((etc / "scale/scale.json").read_text())


def listed(etc: Path, service: str) -> list[str]:
    rows = json.loads((etc / "prometheus/targets/services.json").read_text())
    labels = [row["labels"] for row in rows]
    return [item["instance"] for item in labels if item["service"] == service]


def scale(runtime: InNetworkRuntime, service: str, count: int) -> list[str]:
    messages: list[str] = []
    runtime.scale(service, count, messages.append)
    return messages


@pytest.fixture
def standing_by(runtime: InNetworkRuntime, monkeypatch: pytest.MonkeyPatch) -> InNetworkRuntime:
    """Return a runtime with two standby instances of web; every running instance is ready."""
    monkeypatch.setattr("alertdrill.clients.http.is_ready", lambda url, _: True)
    return with_engine(runtime, "prometheus-1", "web-1", "web-2", "web-3 exited", "web-4 created")


def test_standby_instances_are_started(standing_by: InNetworkRuntime, etc: Path) -> None:
    assert scale(standing_by, "web", 4) == ["web-3 is ready", "web-4 is ready"]
    assert calls(standing_by) == ["start web-3", "start web-4"]
    assert listed(etc, "web") == ["web-1", "web-2", "web-3", "web-4"]
    assert listed(etc, "data-service") == ["data-service-1", "data-service-2"]
    assert replicas(etc)["web"] == 4


def test_targets_are_updated_before_an_instance_stops(
    standing_by: InNetworkRuntime, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(
        standing_by._engine, "stop", lambda name, _: seen.extend((name, listed(etc, "web")))
    )
    assert scale(standing_by, "web", 1) == ["web-2 is on standby"]
    assert seen == ["alertdrill-web-2", ["web-1"]]


def test_instance_that_is_not_ready_is_stopped_again(
    standing_by: InNetworkRuntime, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(names: object) -> None:
        raise NotReadyError("Gave up.")

    monkeypatch.setattr(standing_by, "_await_ready", fail)
    with pytest.raises(NotReadyError):
        scale(standing_by, "web", 3)
    assert calls(standing_by) == ["start web-3", "stop web-3"]
    assert replicas(etc)["web"] == 2


@pytest.mark.parametrize("numbers", [[1], [3, 4], [1, 3]])
def test_missing_container_is_refused(
    runtime: InNetworkRuntime, etc: Path, numbers: list[int]
) -> None:
    with_engine(runtime, *(f"web-{number}" for number in numbers))
    with pytest.raises(
        AlertdrillError, match=r"web has too few containers for 2 instances: run `make up`"
    ):
        scale(runtime, "web", 2)
    assert (calls(runtime), replicas(etc)["web"]) == ([], 2)


def test_concurrent_scaling_is_refused(standing_by: InNetworkRuntime, etc: Path) -> None:
    with (
        standing_by._scale_lock(),
        pytest.raises(AlertdrillError, match="Another command is scaling"),
    ):
        scale(standing_by, "web", 3)
    assert scale(standing_by, "web", 3) == ["web-3 is ready"]


def test_responder_token_is_read_from_its_volume(
    runtime: InNetworkRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.setattr(init_config, "RESPONDER_TOKEN", tmp_path / "token")
    assert runtime.responder_token() == "secret"


def test_alertmanager_password_is_on_its_volume(runtime: InNetworkRuntime) -> None:
    assert str(runtime.alertmanager_password_file()) == "/run/secrets/alertmanager/password"


def test_state_is_the_probes(runtime: InNetworkRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertdrill.clients.http.is_ready", lambda url, _: "web-1" in url)
    states = {item.name: item.state for item in runtime.status()}
    assert states == {"web-1": "ready", "prometheus-1": "unready"}


def test_series_of_other_stacks_are_safe(runtime: InNetworkRuntime) -> None:
    with pytest.raises(TsdbError, match="can't be changed"):
        runtime.delete_series()


def test_speed_is_that_of_the_settings(settings: StackSettings, etc: Path) -> None:
    inner = StackSettings(settings.home, runtime=IN_NETWORK, ephemeral=True, speed=12.0)
    runtime = select_fault_target(inner)
    assert (runtime.speed, runtime.ephemeral) == (12.0, True)

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.settings import ImageVersions, Ports, StackSettings
from alertdrill.runtimes.native.control import CONTAINER_SETTINGS, stack
from alertdrill.runtimes.native.process_spec import Process, RenderContext
from alertdrill.runtimes.native.stack_plan import Plan, make_plan


@pytest.fixture
def control(plan: Plan) -> Process:
    [process] = plan.processes_of("control")
    return process


def test_control_api_listens_on_loopback(control: Process) -> None:
    environment = control.environment
    assert (control.port, environment["HOST"], environment["PORT"]) == (8091, "127.0.0.1", "8091")
    assert control.ready == "http://127.0.0.1:8091/healthz"
    assert (ROOT / control.command[-2]).is_file()


def test_control_api_has_no_metrics(control: Process) -> None:
    assert (control.job, control.scales) == (None, False)


def test_responder_has_its_address(plan: Plan, control: Process) -> None:
    environment = plan.processes_of("responder")[0].environment
    assert environment["CONTROL_URL"] == f"http://{control.address}"
    assert environment["CONTROL_TOKEN_FILE"] == control.environment["CONTROL_TOKEN_FILE"]
    assert environment["RESPONDER_TOKEN_FILE"] not in control.environment.values()


def test_responder_has_the_healing_settings(
    render_context_with: Callable[..., RenderContext],
) -> None:
    render_context = render_context_with("grafana", healing="dry-run", speed=12.0)
    environment = make_plan(render_context).processes_of("responder")[0].environment
    assert (environment["HEALING"], environment["SPEED"]) == ("dry-run", "12")
    assert environment["ALERTMANAGER_URL"] == "http://127.0.0.1:9093"
    assert environment["GRAFANA_URL"] == "http://127.0.0.1:3000"
    assert environment["GRAFANA_TOKEN_FILE"] == str(render_context.layout.grafana_token)


def test_responder_has_grafanas_address_if_it_runs(
    render_context_with: Callable[..., RenderContext],
) -> None:
    environment = make_plan(render_context_with()).processes_of("responder")[0].environment
    assert [name for name in environment if name.startswith("GRAFANA")] == []


def test_all_settings_of_an_ephemeral_stack_are_written(tmp_path: Path) -> None:
    own = StackSettings(
        tmp_path,
        cache=tmp_path,
        runtime="native",
        ports=Ports(lb=30001),
        speed=12.0,
        ephemeral=True,
    )
    assert StackSettings.from_dict(json.loads(stack(own))) == own


def test_cache_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTDRILL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    environment = StackSettings.from_dict(
        json.loads(stack(StackSettings(tmp_path, runtime="auto")))
    )
    assert (environment.cache, environment.runtime) == (Path("/somewhere/alertdrill"), "native")


def test_container_settings_are_left_out(tmp_path: Path) -> None:
    plain = StackSettings(tmp_path)
    other = replace(
        plain,
        project="x",
        docker_root="/x",
        grafana_password="secret",
        versions=ImageVersions(loki="3"),
    )
    assert stack(other) == stack(plain)
    assert "secret" not in stack(other)
    assert set(CONTAINER_SETTINGS) <= set(plain.__dataclass_fields__)

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alertdrill import settings_json
from alertdrill.image_versions import ImageVersions
from alertdrill.runtimes.native.control import CONTAINER_SETTINGS, stack
from alertdrill.runtimes.native.plan import Plan, make_plan
from alertdrill.runtimes.native.process import Process, RenderContext
from alertdrill.settings import ROOT, Ports, StackSettings


@pytest.fixture
def control(plan: Plan) -> Process:
    [found] = plan.processes_of("control")
    return found


def test_it_listens_on_loopback(control: Process) -> None:
    told = control.environment
    assert (control.port, told["HOST"], told["PORT"]) == (8091, "127.0.0.1", "8091")
    assert control.ready == "http://127.0.0.1:8091/healthz"
    assert (ROOT / control.command[-2]).is_file()


def test_it_has_no_metrics(control: Process) -> None:
    assert (control.job, control.scales) == (None, False)


def test_responder_finds_it(plan: Plan, control: Process) -> None:
    told = plan.processes_of("responder")[0].environment
    assert told["CONTROL_URL"] == f"http://{control.address}"
    assert told["CONTROL_TOKEN_FILE"] == control.environment["CONTROL_TOKEN_FILE"]
    assert told["RESPONDER_TOKEN_FILE"] not in control.environment.values()


def test_responder_is_told_what_holds(render_context_with: Callable[..., RenderContext]) -> None:
    render_context = render_context_with("grafana", healing="dry-run", speed=12.0)
    told = make_plan(render_context).processes_of("responder")[0].environment
    assert (told["HEALING"], told["SPEED"]) == ("dry-run", "12")
    assert told["ALERTMANAGER_URL"] == "http://127.0.0.1:9093"
    assert told["GRAFANA_URL"] == "http://127.0.0.1:3000"
    assert told["GRAFANA_TOKEN_FILE"] == str(render_context.layout.grafana_token)


def test_grafana_is_told_where_it_runs(render_context_with: Callable[..., RenderContext]) -> None:
    told = make_plan(render_context_with()).processes_of("responder")[0].environment
    assert [name for name in told if name.startswith("GRAFANA")] == []


def test_runs_own_stack_is_told_whole(tmp_path: Path) -> None:
    own = StackSettings(
        tmp_path,
        cache=tmp_path,
        runtime="native",
        ports=Ports(lb=30001),
        speed=12.0,
        ephemeral=True,
    )
    assert settings_json.from_dict(json.loads(stack(own))) == own


def test_cache_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTDRILL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    told = settings_json.from_dict(json.loads(stack(StackSettings(tmp_path, runtime="auto"))))
    assert (told.cache, told.runtime) == (Path("/somewhere/alertdrill"), "native")


def test_containers_matters_change_nothing(tmp_path: Path) -> None:
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

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.services import MAX_REPLICAS, SERVICES
from alertdrill.config.settings import ImageVersions, Ports, StackSettings
from alertdrill.runtimes.native.plan import CONTAINER_SETTINGS, make_plan, stack_file
from alertdrill.runtimes.native.processes import Plan, Process, RenderContext
from alerting.responder.settings import ResponderSettings


def ports(plan: Plan) -> list[int]:
    return [port for process in plan.processes for port in (process.port, *process.more_ports)]


def test_every_port_is_used_once(plan: Plan, render_context: RenderContext) -> None:
    elsewhere = ("instances", "locust")  # the first of many ports, and a service of containers only
    expected = {
        port for name, port in asdict(render_context.ports).items() if name not in elsewhere
    }
    places = {
        render_context.ports.instance(service, number)
        for service in SERVICES
        for number in range(1, MAX_REPLICAS + 1)
    }
    assert Counter(ports(plan)) == Counter(expected | places)


def test_instances_listen_on_documented_ports(plan: Plan) -> None:
    assert [process.port for process in plan.processes_of("web")] == [15101, 15102, 15103, 15104]
    assert [process.port for process in plan.processes_of("data-service")] == [
        15201,
        15202,
        15203,
        15204,
    ]


def test_process_names_are_unique(plan: Plan) -> None:
    names = [process.name for process in plan.processes]
    assert len(set(names)) == len(names)
    assert names == [f"{process.service}-{process.number}" for process in plan.processes]


def test_process_is_found_by_name(plan: Plan) -> None:
    result = plan.process("prometheus-1")
    assert result is not None
    assert plan.processes_of("prometheus") == [result]
    assert plan.process("unknown-1") is None
    assert plan.processes_of("unknown") == []


@pytest.mark.parametrize(
    ("optional", "shown"),
    [([], set()), (["loki"], {"Loki"}), (["grafana", "otelcol"], {"Grafana"})],
)
def test_addresses_are_of_installed_programs(
    render_context_with: Callable[..., RenderContext], optional: list[str], shown: set[str]
) -> None:
    result = make_plan(render_context_with(*optional)).addresses
    assert {"Grafana", "Loki"} & set(result) == shown


def test_public_address_is_the_load_balancers(
    render_context_with: Callable[..., RenderContext],
) -> None:
    result = make_plan(render_context_with(lb_address="192.0.2.7")).addresses
    assert result["Services"] == "http://192.0.2.7:8080/"
    assert [title for title, address in result.items() if "192.0.2.7" in address] == ["Services"]


def test_start_page_links_to_all(plan: Plan) -> None:
    links = plan.processes_of("web")[0].environment["LINKS"]
    assert links.split(",") == [f"{title}={address}" for title, address in plan.addresses.items()]


def test_wildcard_address_becomes_loopback(render_context: RenderContext) -> None:
    everywhere = replace(
        render_context, settings=replace(render_context.settings, lb_address="0.0.0.0")
    )
    assert make_plan(everywhere).addresses["Services"] == "http://127.0.0.1:8080/"
    bound = replace(
        render_context, settings=replace(render_context.settings, lb_address="192.0.2.7")
    )
    assert make_plan(bound).addresses["Services"] == "http://192.0.2.7:8080/"


def ours(plan: Plan) -> list[Process]:
    return [process for process in plan.processes if process.job == "services"]


def test_instances_exist_up_to_the_maximum(plan: Plan) -> None:
    assert len(plan.processes_of("web")) == len(plan.processes_of("data-service")) == MAX_REPLICAS
    assert {process.service for process in plan.processes if process.scales} == set(SERVICES)


def test_command_names_code_that_exists(plan: Plan) -> None:
    for process in ours(plan):
        *_, flag, configuration, app = process.command
        assert (flag, (ROOT / configuration).is_file()) == ("-c", True)
        folder = ROOT / app.partition(":")[0].replace(".", "/")
        assert (folder / "__init__.py").is_file()


def test_instance_has_its_identity(plan: Plan) -> None:
    for process in ours(plan):
        environment = process.environment
        assert (environment["SERVICE"], environment["INSTANCE"]) == (process.service, process.name)
        assert (environment["HOST"], environment["PORT"]) == ("127.0.0.1", str(process.port))
        assert process.ready == f"http://{process.address}/readyz"


def test_web_calls_through_the_load_balancer(plan: Plan) -> None:
    assert plan.processes_of("web")[0].environment["DATA_SERVICE_URL"] == "http://127.0.0.1:8081"


def test_faults_follow_the_settings(render_context_with: Callable[..., RenderContext]) -> None:
    for enabled, word in ((True, "1"), (False, "0")):
        plan = make_plan(render_context_with(faults_enabled=enabled))
        words = {process.name: process.environment["FAULTS_ENABLED"] for process in ours(plan)}
        assert words.pop("responder-1") == "0"
        assert set(words.values()) == {word}


@pytest.mark.parametrize(("speed", "timeout"), [(1.0, "180"), (12.0, "15"), (1000.0, "1")])
def test_watchdog_timeout_is_divided_by_the_speed(
    render_context_with: Callable[..., RenderContext], speed: float, timeout: str
) -> None:
    [responder] = make_plan(render_context_with(speed=speed)).processes_of("responder")
    assert responder.environment["WATCHDOG_TIMEOUT"] == timeout


def test_timeout_at_speed_one_is_the_responders(plan: Plan) -> None:
    [responder] = plan.processes_of("responder")
    timeout = float(responder.environment["WATCHDOG_TIMEOUT"])
    assert timeout == ResponderSettings.watchdog_timeout


def test_only_instances_behind_the_lb_trust_proxies(plan: Plan) -> None:
    trusting = {
        process.service for process in ours(plan) if process.environment["TRUSTED_PROXIES"] == "1"
    }
    assert trusting == set(SERVICES)


def test_every_own_process_drains(plan: Plan) -> None:
    assert {process.service for process in ours(plan)} == {*SERVICES, "responder"}


@pytest.fixture
def control(plan: Plan) -> Process:
    [process] = plan.processes_of("control")
    return process


def test_control_api_listens_on_loopback(control: Process) -> None:
    environment = control.environment
    assert (control.port, environment["HOST"], environment["PORT"]) == (8091, "127.0.0.1", "8091")
    assert control.ready == "http://127.0.0.1:8091/healthz"
    assert (ROOT / control.command[-2]).is_file()


def test_control_api_is_scraped(control: Process) -> None:
    assert (control.job, control.scales) == ("stack", False)


def test_responder_has_its_address(plan: Plan, control: Process) -> None:
    environment = plan.processes_of("responder")[0].environment
    assert environment["CONTROL_URL"] == f"http://{control.address}"
    assert environment["CONTROL_TOKEN_FILE"] == control.environment["CONTROL_TOKEN_FILE"]
    assert environment["RESPONDER_TOKEN_FILE"] not in control.environment.values()


def test_responder_has_the_healing_settings(
    render_context_with: Callable[..., RenderContext],
) -> None:
    render_context = render_context_with(healing="dry-run", speed=12.0)
    environment = make_plan(render_context).processes_of("responder")[0].environment
    assert (environment["HEALING"], environment["SPEED"]) == ("dry-run", "12")
    assert environment["ALERTMANAGER_URL"] == "http://127.0.0.1:9093"


def test_all_settings_of_an_ephemeral_stack_are_written(tmp_path: Path) -> None:
    own = StackSettings(
        tmp_path,
        cache=tmp_path,
        runtime="native",
        ports=Ports(lb=30001),
        speed=12.0,
        ephemeral=True,
    )
    assert StackSettings.from_dict(json.loads(stack_file(own))) == own


def test_cache_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTDRILL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    environment = StackSettings.from_dict(
        json.loads(stack_file(StackSettings(tmp_path, runtime="auto")))
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
    assert stack_file(other) == stack_file(plain)
    assert "secret" not in stack_file(other)
    assert set(CONTAINER_SETTINGS) <= set(plain.__dataclass_fields__)

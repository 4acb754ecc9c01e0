import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import ImageVersions, Ports, StackSettings
from alertdrill.runtimes.native import supervisor
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import (
    FAKE_LOKI_CONFIG,
    Plan,
    Process,
    stack_file,
)
from alertdrill.toolchain.find import Program
from alerting.responder.settings import ResponderSettings
from tests.unit.alertdrill.declared_services import redeclare

PlanWith = Callable[..., Plan]
OURS = {*SERVICES, "responder", "control"}
ALWAYS = {"lb", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter"}
REFERENCE = re.compile(r"\$\{(?:env:)?([A-Z][A-Z0-9_]+)")
ONLY_IN_CONTAINERS = {
    *("PROJECT", "LOG_PROJECT", "COLLECTOR_ADDRESS"),
    *("COLLECTOR_MEMORY_MIB", "COLLECTOR_SPIKE_MIB"),
    *("LOKI_INSTANCE_ADDRESS", "LOKI_RING", "LOKI_OBJECT_STORE"),
}


def only(plan: Plan, component: str) -> Process:
    [process] = plan.of(component)
    return process


def test_every_port_is_used_once(plan: Plan) -> None:
    ports = Ports()
    elsewhere = ("instances", "locust")  # the first of many ports, and a service of containers only
    expected = [port for name, port in asdict(ports).items() if name not in elsewhere]
    expected += ports.of_instances()
    used = [port for process in plan.processes for port in process.ports]
    assert Counter(used) == Counter(expected)


def test_long_response_has_the_time_to_end(
    plan_with: PlanWith, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = SERVICES["web"].limits.model_copy(update={"response": 60.0})
    redeclare(monkeypatch, "web", limits=limits)
    plan = plan_with()
    seconds = {process.name: process.stop_seconds for process in plan.processes}
    assert (seconds["web-1"], seconds["lb-1"], seconds["data-service-1"]) == (75, 315, 25)
    assert plan.of("web")[0].environment["GRACEFUL_TIMEOUT"] == "60"
    assert "stopwaitsecs=75\n" in supervisor.render(plan.of("web"), layout)


def test_instances_listen_on_documented_ports(plan: Plan) -> None:
    ports = {name: [process.port for process in plan.of(name)] for name in ("web", "data-service")}
    assert ports == {
        "web": [15101, 15102, 15103, 15104],
        "data-service": [15201, 15202, 15203, 15204],
    }
    operations = [process.ops_port for process in plan.of("data-service")]
    assert operations == [15251, 15252, 15253, 15254]
    assert only(plan, "responder").ports == [8090, 8140]
    assert {process.service for process in plan.processes if process.scales} == set(SERVICES)


def test_process_is_found_by_name_or_service(plan: Plan) -> None:
    assert [process.name for process in plan.of("prometheus-1")] == ["prometheus-1"]
    assert plan.of("prometheus") == plan.of("prometheus-1")
    assert plan.of("unknown") == []
    assert len({process.name for process in plan.processes}) == len(plan.processes)


@pytest.mark.parametrize(
    ("optional", "components", "pages"),
    [
        ([], set(), set()),
        (["grafana"], {"grafana"}, {"Grafana"}),
        (["loki"], {"loki"}, {"Loki"}),
        (["otelcol"], set(), set()),
        (["loki", "otelcol"], {"loki", "collector"}, {"Loki"}),
    ],
)
def test_installed_programs_are_included(
    plan_with: PlanWith, optional: list[str], components: set[str], pages: set[str]
) -> None:
    plan = plan_with(*optional)
    assert {process.service for process in plan.processes} == OURS | ALWAYS | components
    assert {"Grafana", "Loki"} & set(plan.addresses) == pages


def test_only_the_lb_may_be_public(plan_with: PlanWith) -> None:
    plan = plan_with(lb_address="192.0.2.7")
    assert plan.addresses["Services"] == "http://192.0.2.7:8080/"
    assert sum("192.0.2.7" in address for address in plan.addresses.values()) == 1
    public = [
        process.service
        for process in plan.processes
        if {"192.0.2.7", "192.0.2.7:8080"} & {*process.command, *process.environment.values()}
    ]
    assert public == ["lb"]


def test_wildcard_address_becomes_loopback(plan_with: PlanWith) -> None:
    assert plan_with(lb_address="0.0.0.0").addresses["Services"] == "http://127.0.0.1:8080/"


def test_start_page_of_fetched_prometheus_is_our_console(
    plan_with: PlanWith, programs: dict[str, Program]
) -> None:
    assert plan_with().addresses["Prometheus"] == "http://127.0.0.1:9090/"
    programs["prometheus"] = replace(programs["prometheus"], origin="cache")
    page = plan_with().addresses["Prometheus"]
    assert page == "http://127.0.0.1:9090/consoles/index.html"


def drained(plan: Plan) -> list[Process]:
    """Return our own processes with the telemetry library, which drain."""
    return [process for process in plan.processes if process.job == "services"]


def test_own_processes_have_their_identity(plan: Plan) -> None:
    assert {process.service for process in drained(plan)} == {*SERVICES, "responder"}
    # Only those behind the load balancer trust its headers.
    trusting = {p.service for p in drained(plan) if p.environment["TRUSTED_PROXIES"] == "1"}
    assert trusting == set(SERVICES)
    for process in drained(plan):
        environment = process.environment
        assert (environment["SERVICE"], environment["INSTANCE"]) == (process.service, process.name)
        assert (environment["HOST"], environment["PORT"]) == ("127.0.0.1", str(process.port))
        assert process.ready == f"http://{process.ops_address}/readyz"
        assert process.ops_address == f"127.0.0.1:{environment['OPS_PORT']}"
        module = process.command[-1].removeprefix("python:")
        assert find_spec(module) is not None
        app = environment["APP"].partition(":")[0]
        assert (ROOT / app.replace(".", "/") / "__init__.py").is_file()


def test_service_chooses_its_server(plan_with: PlanWith, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES["web"].model_copy(update={"server": "gunicorn"})
    monkeypatch.setattr("alertdrill.runtimes.native.plan.SERVICES", {**SERVICES, "web": service})
    commands = {name: only(plan_with(), name).command[1:] for name in ("web-1", "data-service-1")}
    assert commands == {
        "web-1": ["-m", "gunicorn", "-c", "python:alertdrill_telemetry.gunicorn_conf"],
        "data-service-1": ["-m", "alertdrill_telemetry.granian_server"],
    }


def test_web_has_the_load_balancer_and_links_to_all_pages(plan: Plan) -> None:
    environment = plan.of("web-1")[0].environment
    assert environment["DATA_SERVICE_URL"] == "http://127.0.0.1:8081"
    links = [f"{title}={address}" for title, address in plan.addresses.items()]
    assert environment["LINKS"].split(",") == links


@pytest.mark.parametrize("enabled", [True, False])
def test_faults_follow_the_settings(plan_with: PlanWith, enabled: bool) -> None:
    processes = drained(plan_with(faults_enabled=enabled))
    enabled_in = {p.service for p in processes if p.environment["FAULTS_ENABLED"] == "1"}
    assert enabled_in == (set(SERVICES) if enabled else set())
    assert {process.environment["FAULTS_TOKEN"] for process in processes} == {"the-token"}


@pytest.mark.parametrize(("speed", "timeout"), [(1.0, "180"), (12.0, "15"), (1000.0, "1")])
def test_watchdog_timeout_is_divided_by_the_speed(
    plan_with: PlanWith, speed: float, timeout: str
) -> None:
    responder = only(plan_with(speed=speed), "responder")
    assert responder.environment["WATCHDOG_TIMEOUT"] == timeout
    assert ResponderSettings.watchdog_timeout == 180


def test_responder_reaches_the_control_api(plan_with: PlanWith) -> None:
    plan = plan_with(healing="dry-run", speed=12.0)
    control, environment = only(plan, "control"), only(plan, "responder").environment
    assert control.ready == "http://127.0.0.1:8141/readyz"
    assert (control.environment["HOST"], control.environment["PORT"]) == ("127.0.0.1", "8091")
    assert (control.environment["SERVICE"], control.environment["OPS_PORT"]) == ("control", "8141")
    assert control.command == only(plan, "responder").command
    assert (control.job, control.scales) == ("stack", False)
    assert environment["CONTROL_URL"] == f"http://{control.address}"
    assert environment["CONTROL_TOKEN_FILE"] == control.environment["CONTROL_TOKEN_FILE"]
    assert environment["RESPONDER_TOKEN_FILE"] not in control.environment.values()
    assert environment["ALERTMANAGER_URL"] == "http://127.0.0.1:9093"
    assert (environment["HEALING"], environment["SPEED"]) == ("dry-run", "12")


def test_components_listen_on_loopback(plan: Plan) -> None:
    for process in plan.processes:
        written = " ".join([*process.command, *process.environment.values()])
        assert "0.0.0.0" not in written
        assert process.ready.startswith("http://127.0.0.1:")
        assert str(process.port) in written
        assert "{" not in written.replace("$__file{", "")


@pytest.mark.parametrize(
    ("component", "file"),
    [
        ("lb", "lb/haproxy.cfg"),
        ("loki", "loki/loki.yml"),
        ("collector", "loki/collector.yml"),
        ("node-exporter", "prometheus/node-exporter.args"),
    ],
)
def test_configuration_has_its_variables(plan: Plan, component: str, file: str) -> None:
    process = only(plan, component)
    assert any(str(ROOT / file) in argument for argument in process.command)
    read = set(REFERENCE.findall((ROOT / file).read_text()))
    assert read - ONLY_IN_CONTAINERS <= set(process.environment)


def test_lb_runs_in_the_folder_of_its_backends(
    plan: Plan, layout: Layout, programs: dict[str, Program]
) -> None:
    lb = only(plan, "lb")
    assert (lb.command[-2:], lb.directory) == (["-f", "backends.cfg"], layout.etc / "lb")
    assert lb.environment["LB_VERSION"] == "2.6.12"
    assert lb.stop_signal == "USR1"  # it finishes its requests
    # It gets a larger pipe first.
    _, isolated, _, script, program, *_ = lb.command
    assert (isolated, program) == ("-I", str(programs["haproxy"].path))
    compile(script, "script", "exec")


def test_prometheus_has_the_settings_and_the_features_of_containers(plan_with: PlanWith) -> None:
    command = only(plan_with(retention="3d", retention_size="5GB"), "prometheus").command
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    features = [flag for flag in services["prometheus"]["command"] if "--enable-feature" in flag]
    assert features
    retention = {"--storage.tsdb.retention.time=3d", "--storage.tsdb.retention.size=5GB"}
    assert retention | set(features) <= set(command)


def test_speed_reaches_the_flags(plan_with: PlanWith) -> None:
    for speed, delay, offset in ((1.0, "15s", "0.5"), (12.0, "1250ms", "0.04167")):
        plan = plan_with("loki", speed=speed)
        assert f"--rules.alert.resend-delay={delay}" in only(plan, "prometheus").command
        assert f"-ruler.resend-delay={delay}" in only(plan, "loki").command
        assert f"--timeout-offset={offset}" in only(plan, "blackbox-exporter").command


@pytest.mark.parametrize("ephemeral", [False, True])
def test_only_ephemeral_stacks_may_delete(plan_with: PlanWith, ephemeral: bool) -> None:
    command = only(plan_with(ephemeral=ephemeral), "prometheus").command
    assert ("--web.enable-admin-api" in command) == ephemeral


def test_programs_environment_is_included(
    plan_with: PlanWith, programs: dict[str, Program], tmp_path: Path
) -> None:
    programs["haproxy"] = replace(
        programs["haproxy"], environment={"LD_LIBRARY_PATH": "/cache/lib"}, files=tmp_path
    )
    lb = only(plan_with(), "lb")
    assert (lb.environment["LD_LIBRARY_PATH"], lb.files) == ("/cache/lib", tmp_path)


def test_collector_is_probed_at_its_health_port(plan: Plan) -> None:
    collector = only(plan, "collector")
    assert (collector.port, collector.ready) == (8888, "http://127.0.0.1:13133/")
    assert (collector.stop_signal, only(plan, "prometheus").stop_signal) == ("KILL", "TERM")


@pytest.mark.parametrize(
    ("unpacked", "command"), [(False, "grafana"), (False, "grafana-server"), (True, "grafana")]
)
def test_grafana_has_its_home(
    plan_with: PlanWith,
    programs: dict[str, Program],
    tmp_path: Path,
    unpacked: bool,
    command: str,
) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / command).touch()
    (tmp_path / command).symlink_to(home / "bin" / command)
    if unpacked:
        (home / "conf").mkdir()
        (home / "conf/defaults.ini").touch()
    programs["grafana"] = replace(programs["grafana"], path=tmp_path / command)
    subcommand = [] if command == "grafana-server" else ["server"]
    assert only(plan_with("grafana"), "grafana").command == [
        *(str(tmp_path / command), *subcommand),
        *("--homepath", str(home if unpacked else "/usr/share/grafana")),
    ]


def test_grafana_is_closed_and_contacts_no_host(plan: Plan, layout: Layout) -> None:
    environment = only(plan, "grafana").environment
    password = f"$__file{{{layout.grafana_password}}}"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] == password
    for name in ("AUTH_ANONYMOUS", "PLUGINS_PLUGIN_ADMIN"):
        assert environment[f"GF_{name}_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_provisioning_of_grafana_has_its_variables(plan: Plan) -> None:
    environment = only(plan, "grafana").environment
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (home.name, home.is_file()) == ("overview.json", True)
    assert str(home.parent) == environment["DASHBOARDS_DIR"]
    provisioning = Path(environment["GF_PATHS_PROVISIONING"])
    read = {
        name
        for file in provisioning.rglob("*.yml")
        for name in re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", file.read_text())
    }
    assert read
    assert read <= set(environment)
    assert environment["PROMETHEUS_URL"] == "http://127.0.0.1:9090"


def test_fake_loki_replaces_loki(plan_with: PlanWith, layout: Layout) -> None:
    plan = plan_with("otelcol", fake_loki=True)
    fake, collector = only(plan, "fake-loki"), only(plan, "collector")
    assert fake.ready == collector.environment["LOKI_URL"] + "/ready"
    assert fake.command[-2:] == [
        "--bind=127.0.0.1:3100",
        f"alertdrill.audit.fake_loki:create_app('{layout.data / 'fake-loki'}')",
    ]
    assert fake.job is None
    assert collector.command[-1] == f"--config={FAKE_LOKI_CONFIG}"
    assert FAKE_LOKI_CONFIG.exists()


@pytest.mark.parametrize(
    ("programs_present", "settings"),
    [
        (["loki", "otelcol"], {"fake_loki": True}),
        (["loki"], {"fake_loki": True}),
        ([], {"fake_loki": True}),
        (["otelcol"], {}),
    ],
)
def test_fake_loki_is_unnecessary(
    plan_with: PlanWith, programs_present: list[str], settings: dict[str, Any]
) -> None:
    processes = plan_with(*programs_present, **settings).processes
    assert "fake-loki" not in {process.service for process in processes}
    arguments = [argument for process in processes for argument in process.command]
    assert not any(str(FAKE_LOKI_CONFIG) in argument for argument in arguments)


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
    text = stack_file(StackSettings(tmp_path, runtime="auto"))
    settings = StackSettings.from_dict(json.loads(text))
    assert (settings.cache, settings.runtime) == (Path("/somewhere/alertdrill"), "native")


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

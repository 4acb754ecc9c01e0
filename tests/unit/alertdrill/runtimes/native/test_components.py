from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.runtimes.native.components import (
    FAKE_LOKI_CONFIG,
    GRAFANA_ENVIRONMENT,
    components,
    fake_loki,
    grafana_environment,
    grafana_home,
)
from alertdrill.runtimes.native.processes import Process, RenderContext

ContextWith = Callable[..., RenderContext]
ALWAYS = {"lb", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter"}
REFERENCE = re.compile(r"\$\{(?:env:)?([A-Z][A-Z0-9_]+)")
ONLY_IN_CONTAINERS = {
    *("PROJECT", "LOG_PROJECT", "COLLECTOR_ADDRESS"),
    *("COLLECTOR_MEMORY_MIB", "COLLECTOR_SPIKE_MIB"),
    "LOKI_INSTANCE_ADDRESS",
    "LOKI_RING",
    "LOKI_OBJECT_STORE",
}


def by_service(render_context: RenderContext) -> dict[str, Process]:
    return {process.service: process for process in components(render_context)}


@pytest.mark.parametrize(
    ("optional", "joining"),
    [
        ([], set()),
        (["grafana"], {"grafana"}),
        (["loki"], {"loki"}),
        (["otelcol"], set()),
        (["loki", "otelcol"], {"loki", "collector"}),
    ],
)
def test_installed_programs_are_included(
    render_context_with: ContextWith, optional: list[str], joining: set[str]
) -> None:
    assert set(by_service(render_context_with(*optional))) == ALWAYS | joining


def test_everything_listens_on_loopback(render_context: RenderContext) -> None:
    for process in components(render_context):
        written = " ".join([*process.command, *process.environment.values()])
        assert "0.0.0.0" not in written
        assert process.ready.startswith("http://127.0.0.1:")
        assert str(process.port) in written


@pytest.mark.parametrize(
    ("service", "file"),
    [
        ("lb", "lb/haproxy.cfg"),
        ("loki", "loki/loki.yml"),
        ("collector", "loki/collector.yml"),
        ("node-exporter", "prometheus/node-exporter.args"),
    ],
)
def test_configuration_has_its_variables(
    render_context: RenderContext, service: str, file: str
) -> None:
    process = by_service(render_context)[service]
    assert any(str(ROOT / file) in argument for argument in process.command)
    read = set(REFERENCE.findall((ROOT / file).read_text()))
    assert read - ONLY_IN_CONTAINERS <= set(process.environment)


def test_lb_runs_in_the_folder_of_its_backends(render_context: RenderContext) -> None:
    process = by_service(render_context)["lb"]
    assert process.command[-2:] == ["-f", "backends.cfg"]
    assert process.directory == render_context.layout.etc / "lb"
    assert process.environment["LB_VERSION"] == "2.6.12"


def test_only_lb_may_be_public(render_context_with: ContextWith) -> None:
    public = [
        process.service
        for process in components(render_context_with(lb_address="192.0.2.7"))
        if "192.0.2.7" in process.environment.values()
    ]
    assert public == ["lb"]


def test_lb_stops_gracefully(render_context: RenderContext) -> None:
    signals = {process.service: process.stop_signal for process in components(render_context)}
    assert (signals["lb"], signals["collector"], signals["prometheus"]) == ("USR1", "KILL", "TERM")


def test_lb_has_a_larger_pipe(render_context: RenderContext) -> None:
    _, isolated, _, script, *command = by_service(render_context)["lb"].command
    assert isolated == "-I"
    compile(script, "script", "exec")
    assert command[0] == str(render_context.programs["haproxy"].path)


def test_retention_is_the_settings(render_context_with: ContextWith) -> None:
    command = by_service(render_context_with(retention="3d", retention_size="5GB"))[
        "prometheus"
    ].command
    assert "--storage.tsdb.retention.time=3d" in command
    assert "--storage.tsdb.retention.size=5GB" in command


def test_prometheus_has_the_features_of_containers(render_context: RenderContext) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    features = [
        flag for flag in services["prometheus"]["command"] if flag.startswith("--enable-feature=")
    ]
    assert features
    assert set(features) <= set(by_service(render_context)["prometheus"].command)


def test_speed_reaches_the_flags(render_context_with: ContextWith) -> None:
    real, fast = by_service(render_context_with()), by_service(render_context_with(speed=12.0))
    assert "--rules.alert.resend-delay=15s" in real["prometheus"].command
    assert "--rules.alert.resend-delay=1250ms" in fast["prometheus"].command
    assert "--timeout-offset=0.5" in real["blackbox-exporter"].command
    assert "--timeout-offset=0.04167" in fast["blackbox-exporter"].command


@pytest.mark.parametrize("ephemeral", [False, True])
def test_only_ephemeral_stacks_may_delete(
    render_context_with: ContextWith, ephemeral: bool
) -> None:
    command = by_service(render_context_with(ephemeral=ephemeral))["prometheus"].command
    assert ("--web.enable-admin-api" in command) == ephemeral


def test_programs_environment_is_included(render_context: RenderContext, tmp_path: Path) -> None:
    environment: Mapping[str, str] = {"LD_LIBRARY_PATH": "/cache/lib"}
    program = replace(render_context.programs["haproxy"], environment=environment, files=tmp_path)
    process = by_service(
        replace(render_context, programs={**render_context.programs, "haproxy": program})
    )["lb"]
    assert process.environment["LD_LIBRARY_PATH"] == "/cache/lib"
    assert process.files == tmp_path


def test_collector_is_probed_at_its_health_port(render_context: RenderContext) -> None:
    process = by_service(render_context)["collector"]
    assert (process.port, process.ready) == (8888, "http://127.0.0.1:13133/")


@pytest.mark.parametrize(("command", "words"), [("grafana", ["server"]), ("grafana-server", [])])
def test_old_grafana_has_no_subcommand(
    render_context: RenderContext, tmp_path: Path, command: str, words: list[str]
) -> None:
    program = replace(render_context.programs["grafana"], path=tmp_path / command)
    process = by_service(
        replace(render_context, programs={**render_context.programs, "grafana": program})
    )["grafana"]
    assert process.command[1:-2] == words


def test_grafanas_password_stays_in_its_file(render_context: RenderContext) -> None:
    password = by_service(render_context)["grafana"].environment["GF_SECURITY_ADMIN_PASSWORD"]
    assert password == f"$__file{{{render_context.layout.grafana_password}}}"


def test_unpacked_grafana_has_its_home(tmp_path: Path) -> None:
    (tmp_path / "grafana/conf").mkdir(parents=True)
    (tmp_path / "grafana/conf/defaults.ini").touch()
    (tmp_path / "grafana/bin").mkdir()
    (tmp_path / "grafana/bin/grafana").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "grafana/bin/grafana")
    assert grafana_home(tmp_path / "linked") == tmp_path / "grafana"


def test_packaged_grafana_has_its_home(tmp_path: Path) -> None:
    assert grafana_home(tmp_path / "bin/grafana") == Path("/usr/share/grafana")


def with_fake_loki(render_context: RenderContext) -> dict[str, Process]:
    context = replace(render_context, settings=replace(render_context.settings, fake_loki=True))
    return {process.service: process for process in components(context)}


def test_fake_loki_replaces_loki(render_context_with: ContextWith) -> None:
    by_name = with_fake_loki(render_context_with("otelcol"))
    assert by_name["fake-loki"].ready == by_name["collector"].environment["LOKI_URL"] + "/ready"
    assert by_name["collector"].command[-1] == f"--config={FAKE_LOKI_CONFIG}"
    assert FAKE_LOKI_CONFIG.exists()


@pytest.mark.parametrize("programs", [["loki", "otelcol"], ["loki"], []])
def test_fake_loki_is_unnecessary(render_context_with: ContextWith, programs: list[str]) -> None:
    by_name = with_fake_loki(render_context_with(*programs))
    assert "fake-loki" not in by_name
    assert all(
        str(FAKE_LOKI_CONFIG) not in argument
        for process in by_name.values()
        for argument in process.command
    )


def test_fake_loki_is_off_by_default(render_context_with: ContextWith) -> None:
    assert {"fake-loki", "collector"}.isdisjoint(
        process.service for process in components(render_context_with("otelcol"))
    )


def test_fake_loki_has_a_port_and_a_folder(render_context: RenderContext) -> None:
    process = fake_loki(render_context)
    assert process.command[-2:] == [
        f"--bind=127.0.0.1:{render_context.ports.loki}",
        f"alertdrill.audit.fake_loki:create_app('{render_context.layout.data / 'fake-loki'}')",
    ]
    assert process.job is None


def test_home_is_the_overview(render_context: RenderContext) -> None:
    variables = grafana_environment(render_context)
    home = Path(variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.name == "overview.json"
    assert home.is_file()
    assert home.parent == Path(variables["DASHBOARDS_DIR"])


def test_provisioning_has_every_address(render_context: RenderContext) -> None:
    variables = grafana_environment(render_context)
    for name, part in (("PROMETHEUS", "prometheus"), ("LOKI", "loki"), ("ALERTMANAGER",) * 2):
        assert variables[f"{name}_URL"] == render_context.url(part.lower())


def test_anonymous_access_is_disabled() -> None:
    assert (
        GRAFANA_ENVIRONMENT["GF_AUTH_ANONYMOUS_ENABLED"]
        == GRAFANA_ENVIRONMENT["GF_USERS_ALLOW_SIGN_UP"]
        == "false"
    )


def test_plugin_installation_is_disabled() -> None:
    assert GRAFANA_ENVIRONMENT["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert GRAFANA_ENVIRONMENT["GF_PLUGINS_PLUGIN_ADMIN_ENABLED"] == "false"

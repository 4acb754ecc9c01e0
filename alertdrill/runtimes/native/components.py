"""The third-party processes: load balancer, Prometheus, exporters, Loki, collector, Grafana."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...config import ROOT
from ...config.components import COMPONENTS
from .. import speed
from ..config_files import BACKENDS_FILE
from .processes import LOOPBACK, Process, RenderContext

# HAProxy drops a log line rather than wait for a full pipe. A pipe of 1 MiB, the most that Linux
# gives an ordinary user, holds 2,000 lines: seconds of load while supervisord is late.
WIDE_PIPE = (
    "import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20);"
    " os.execv(sys.argv[1], sys.argv[1:])"
)

# The first file is committed; the runtime generates the second in HAProxy's working folder.
LB_FILES = ("-f", str(ROOT / "lb" / "haproxy.cfg"), "-f", BACKENDS_FILE)
# The collector's extra configuration for the fake Loki.
FAKE_LOKI_CONFIG = ROOT / "alertdrill" / "audit" / "fake_loki_collector.yml"
DASHBOARDS = ROOT / "grafana" / "dashboards"
# Grafana requires a password, contacts no other host, and installs no plugins.
GRAFANA_ENVIRONMENT = {
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_USERS_ALLOW_ORG_CREATE": "false",
    "GF_AUTH_ANONYMOUS_ENABLED": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_LOG_MODE": "console",
    "GF_LOG_CONSOLE_FORMAT": "json",
}
# Write a line to the queue on disk before its offset in the file is stored.
COLLECTOR_GATES = ("--feature-gates=stanza.synchronousLogEmitter",)


def components(context: RenderContext) -> list[Process]:
    """Return the components whose programs are installed."""
    makers: Mapping[str, Callable[[RenderContext], Process]] = {
        "lb": lb,
        "prometheus": prometheus,
        "alertmanager": alertmanager,
        "node-exporter": node_exporter,
        "blackbox-exporter": blackbox_exporter,
        "loki": loki,
        "collector": collector,
        "grafana": grafana,
    }
    processes = [
        make(context)
        for name, make in makers.items()
        if COMPONENTS[name].program in context.programs
    ]
    if context.fake_loki:
        return [*processes, fake_loki(context)]
    # Without Loki, the collector has nowhere to send lines.
    return [
        component
        for component in processes
        if component.service != "collector" or "loki" in context.programs
    ]


def _component(
    context: RenderContext, service: str, arguments: Sequence[str], **options: Any
) -> Process:
    """Return the only instance of a component."""
    component = COMPONENTS[service]
    installed = context.programs[component.program]
    port = getattr(context.ports, component.setting)
    return Process(
        name=f"{service}-1",
        service=service,
        command=[str(installed.path), *arguments],
        port=port,
        ready=f"http://{LOOPBACK}:{port}{component.ready}",
        environment={**installed.environment, **options.pop("environment", {})},
        files=installed.files,
        **options,
    )


def lb(context: RenderContext) -> Process:
    """Return HAProxy; its working folder holds the generated backends and path maps."""
    ports = context.ports
    environment = {
        "RUNTIME": "native",
        "INSTANCE": "lb-1",
        "LB_VERSION": ".".join(map(str, context.programs["haproxy"].version)),
        "LB_SOCKET": str(context.layout.lb_socket),
        "LB_STATE": str(context.layout.lb_state),
        "LB_ADDRESS": context.settings.lb_address,
        "LB_PORT": str(ports.lb),
        "LB_INTERNAL_ADDRESS": LOOPBACK,
        "LB_INTERNAL_PORT": str(ports.lb_internal),
        "LB_STATS_ADDRESS": LOOPBACK,
        "LB_STATS_PORT": str(ports.lb_stats),
    }
    process = _component(
        context,
        "lb",
        ["-db", *LB_FILES],
        more_ports=(ports.lb, ports.lb_internal),
        stop_signal="USR1",  # finish the requests in flight; TERM would cut them off
        directory=context.layout.lb,
        environment=environment,
    )
    return replace(process, command=[sys.executable, "-I", "-c", WIDE_PIPE, *process.command])


def prometheus(context: RenderContext) -> Process:
    """Return Prometheus."""
    # Allows an ephemeral stack to backfill and delete series; other stacks forbid it.
    admin = ["--web.enable-admin-api"] if context.settings.ephemeral else []
    return _component(
        context,
        "prometheus",
        [
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={context.layout.data / 'prometheus'}",
            f"--storage.tsdb.retention.time={context.settings.retention}",
            f"--storage.tsdb.retention.size={context.settings.retention_size}",
            f"--web.listen-address={LOOPBACK}:{context.ports.prometheus}",
            f"--web.external-url={context.url('prometheus')}/",
            f"--web.console.templates={ROOT / 'prometheus' / 'consoles'}",
            # Among the extra metrics: each target's scrape timeout.
            "--enable-feature=exemplar-storage,extra-scrape-metrics",
            *speed.prometheus_flags(context.settings.speed),
            *admin,
            "--log.format=json",
        ],
        directory=context.layout.etc / "prometheus",
        environment={
            "RESPONDER_URL": context.url("responder"),
            "GRAFANA_URL": context.url("grafana"),
        },
    )


def alertmanager(context: RenderContext) -> Process:
    """Return Alertmanager."""
    return _component(
        context,
        "alertmanager",
        [
            "--config.file=alertmanager.yml",
            f"--storage.path={context.layout.data / 'alertmanager'}",
            f"--web.listen-address={LOOPBACK}:{context.ports.alertmanager}",
            f"--web.external-url={context.url('alertmanager')}/",
            "--cluster.listen-address=",  # a single Alertmanager needs no cluster
            "--log.format=json",
        ],
        directory=context.layout.etc / "alertmanager",
    )


def node_exporter(context: RenderContext) -> Process:
    """Return the exporter of the host's metrics."""
    listen = f"--web.listen-address={LOOPBACK}:{context.ports.node_exporter}"
    arguments = [listen, f"@{ROOT / 'prometheus' / 'node-exporter.args'}"]
    return _component(context, "node-exporter", arguments)


def blackbox_exporter(context: RenderContext) -> Process:
    """Return the exporter that probes the stack like a client."""
    arguments = [
        f"--config.file={ROOT / 'prometheus' / 'blackbox.yml'}",
        f"--web.listen-address={LOOPBACK}:{context.ports.blackbox_exporter}",
        f"--timeout-offset={speed.timeout_offset(context.settings.speed)}",
        "--log.format=json",
    ]
    return _component(context, "blackbox-exporter", arguments)


def loki(context: RenderContext) -> Process:
    """Return Loki."""
    environment = {
        "LOKI_ADDRESS": LOOPBACK,
        "LOKI_PORT": str(context.ports.loki),
        "LOKI_GRPC_PORT": str(context.ports.loki_grpc),
        "LOKI_DATA": str(context.layout.data / "loki"),
        "LOKI_ETC": str(context.layout.etc / "loki"),
        "ALERTMANAGER_URL": context.url("alertmanager"),
        "RESPONDER_URL": context.url("responder"),
        "GRAFANA_URL": context.url("grafana"),
    }
    return _component(
        context,
        "loki",
        [
            f"-config.file={ROOT / 'loki' / 'loki.yml'}",
            "-config.expand-env=true",
            *speed.loki_flags(context.settings.speed),
        ],
        more_ports=(context.ports.loki_grpc,),
        environment=environment,
    )


def fake_loki(context: RenderContext) -> Process:
    """Return the fake Loki, which listens on Loki's port in an audit's ephemeral stack."""
    return Process(
        name="fake-loki-1",
        service="fake-loki",
        command=[
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads=4"),
            f"--bind={LOOPBACK}:{context.ports.loki}",
            f"alertdrill.audit.fake_loki:create_app({str(context.layout.data / 'fake-loki')!r})",
        ],
        port=context.ports.loki,
        ready=f"{context.url('loki')}/ready",
        job=None,  # it has no metrics
    )


def collector(context: RenderContext) -> Process:
    """Return the OpenTelemetry Collector, which sends the log files' lines to Loki."""
    environment = {
        "LOG_DIR": str(context.layout.logs),
        "COLLECTOR_DATA": str(context.layout.data / "collector"),
        "LOKI_URL": context.url("loki"),
        "COLLECTOR_METRICS_PORT": str(context.ports.collector_metrics),
        "COLLECTOR_HEALTH_PORT": str(context.ports.collector_health),
        # Below the limit at which it stops reading (400 MiB), so that it frees memory before.
        "GOMEMLIMIT": "320MiB",
    }
    options = [f"--config={FAKE_LOKI_CONFIG}"] if context.fake_loki else []
    process = _component(
        context,
        "collector",
        [*COLLECTOR_GATES, f"--config={ROOT / 'loki' / 'collector.yml'}", *options],
        more_ports=(context.ports.collector_health,),
        # Its files store its offsets. After a graceful stop, it loses what did not fit its queue.
        stop_signal="KILL",
        environment=environment,
    )
    return replace(process, ready=f"{context.url('collector_health')}/")


def grafana(context: RenderContext) -> Process:
    """Return Grafana."""
    program = context.programs["grafana"].path
    command = ["server"] if program.name == "grafana" else []  # older ones are grafana-server
    arguments = [*command, "--homepath", str(grafana_home(program))]
    return _component(context, "grafana", arguments, environment=grafana_environment(context))


def grafana_environment(context: RenderContext) -> dict[str, str]:
    """Return Grafana's variables, and those of its provisioning files."""
    data = context.layout.data / "grafana"
    return {
        **GRAFANA_ENVIRONMENT,
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(context.ports.grafana),
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "logs"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(ROOT / "grafana" / "provisioning"),
        # Grafana reads the password from the file.
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{context.layout.grafana_password}}}",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(DASHBOARDS / "overview.json"),
        "DASHBOARDS_DIR": str(DASHBOARDS),
        "PROMETHEUS_URL": context.url("prometheus"),
        "LOKI_URL": context.url("loki"),
        "ALERTMANAGER_URL": context.url("alertmanager"),
    }


def grafana_home(program: Path) -> Path:
    """Return the home folder of Grafana: above its program, or the distribution's."""
    unpacked = program.resolve().parent.parent
    packaged = Path("/usr/share/grafana")
    return unpacked if (unpacked / "conf" / "defaults.ini").exists() else packaged

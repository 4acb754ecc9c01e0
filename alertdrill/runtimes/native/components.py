"""How the native runtime starts the components of the stack. Pure data.

`{...}` stands for a value of the stack, as `plan.Plan` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ... import VERSION
from ..config_files import BACKENDS_FILE

LOOPBACK = "127.0.0.1"
GUNICORN_SETTINGS = "python:alertdrill_telemetry.gunicorn_conf"
# What Python runs for each `server` of apps/services.yml; both load the application in APP.
SERVERS = {
    "gunicorn": ("-m", "gunicorn", "-c", GUNICORN_SETTINGS),
    "granian": ("-m", "alertdrill_telemetry.granian_server"),
    "gevent": ("-m", "gevent.monkey", "--module", "gunicorn", "-c", GUNICORN_SETTINGS),
}
# HAProxy drops a log line rather than wait for a full pipe. A pipe of 1 MiB, the most that Linux
# gives an ordinary user, holds 2,000 lines: seconds of load while supervisord is late.
WIDE_PIPE = (
    "import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20);"
    " os.execv(sys.argv[1], sys.argv[1:])"
)
# The first file is committed; the runtime generates the second in HAProxy's working folder.
LB_FILES = ("-f", "{root}/lb/haproxy.cfg", "-f", BACKENDS_FILE)


@dataclass(frozen=True)
class Launch:
    """How a program is started.

    `ops_port` is the name of its port for operations, and `more_ports` are names of other ports
    that it listens on besides its own; `ready` is the URL that answers when it is ready, if that is
    not the path of `config.components` at its port for operations, or at its own.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "{root}"
    ops_port: str = ""
    more_ports: Sequence[str] = ()
    ready: str = ""
    stop_signal: str = "TERM"


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
# Of every program of ours.
OWN_ENVIRONMENT = {
    "INSTANCE": "{name}",
    "VERSION": VERSION,
    "HOST": LOOPBACK,
    "PORT": "{port}",
    "LOG_LEVEL": "{settings.log_level}",
}
# An instance of a service of apps/services.yml, whose `server` has the command.
INSTANCE = Launch(
    command=(),
    ready="http://127.0.0.1:{ops_port}/readyz",
    environment={
        **OWN_ENVIRONMENT,
        "OPS_PORT": "{ops_port}",
        "SERVICE": "{service}",
        "TRUSTED_PROXIES": "1",
        "FAULTS_ENABLED": "{settings.faults_enabled:d}",
        "FAULTS_TOKEN": "{token}",
        "INTERNAL_URL": "{url[lb_internal]}",
    },
)
LAUNCHES: Mapping[str, Launch] = {
    "responder": Launch(
        command=("{python}", *SERVERS["gunicorn"]),
        ops_port="responder_ops",
        environment={
            **OWN_ENVIRONMENT,
            "APP": "alerting.responder:create_app()",
            "OPS_PORT": "{ops_port}",
            "SERVICE": "responder",
            "RESPONDER_DB": "{layout.data}/responder/responder.sqlite",
            # Threads share what the C library keeps of freed memory: see docker-compose.yml.
            "MALLOC_ARENA_MAX": "2",
            # It has no faults: it reports those of others.
            "FAULTS_ENABLED": "0",
            "FAULTS_TOKEN": "{token}",
            "TRUSTED_PROXIES": "0",
            "WATCHDOG_TIMEOUT": "{watchdog_timeout}",
            "CONTROL_TOKEN_FILE": "{layout.control_token}",
            "RESPONDER_TOKEN_FILE": "{layout.responder_token}",
            "ALERTMANAGER_PASSWORD_FILE": "{layout.alertmanager_password}",
            "SPEED": "{settings.speed:g}",
            "HEALING": "{settings.healing}",
        },
    ),
    "control": Launch(
        command=("{python}", *SERVERS["gunicorn"]),
        ops_port="control_ops",
        ready="http://127.0.0.1:{ops_port}/readyz",
        environment={
            **OWN_ENVIRONMENT,
            "APP": "alertdrill.control.app:serve()",
            "OPS_PORT": "{ops_port}",
            "SERVICE": "control",
            "CONTROL_TOKEN_FILE": "{layout.control_token}",
            "CONTROL_STACK": "{layout.stack}",
            # Another one means that it has read other services.
            "CONTROL_SERVICES": "{services}",
        },
    ),
    "lb": Launch(
        # A master with a worker, which another one replaces at a reload.
        command=("{python}", "-I", "-c", WIDE_PIPE, "{program}", "-W", "-db", *LB_FILES),
        directory="{layout.lb}",
        more_ports=("lb", "lb_internal"),
        # Finish the requests in flight; TERM would cut them off.
        stop_signal="USR1",
        environment={
            "RUNTIME": "native",
            "INSTANCE": "lb-1",
            "LB_VERSION": "{version}",
            "LB_SOCKET": "{layout.lb_socket}",
            "LB_STATE": "{layout.lb_state}",
            "LB_ADDRESS": "{settings.lb_address}",
            "LB_INTERNAL_ADDRESS": LOOPBACK,
            "LB_STATS_ADDRESS": LOOPBACK,
        },
    ),
    "prometheus": Launch(
        command=(
            "{program}",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path={layout.data}/prometheus",
            "--storage.tsdb.retention.time={settings.retention}",
            "--storage.tsdb.retention.size={settings.retention_size}",
            # As in docker-compose.yml.
            "--query.max-samples=2000000",
            "--query.timeout=30s",
            "--web.listen-address=127.0.0.1:{port}",
            "--web.external-url={url[prometheus]}/",
            "--web.console.templates={root}/prometheus/consoles",
            # Among the extra metrics: each target's scrape timeout.
            "--enable-feature=exemplar-storage,extra-scrape-metrics",
            "--log.format=json",
        ),
        directory="{layout.etc}/prometheus",
    ),
    "alertmanager": Launch(
        command=(
            "{program}",
            "--config.file=alertmanager.yml",
            # It requires a password.
            "--web.config.file={layout.alertmanager_login}/web.yml",
            "--storage.path={layout.data}/alertmanager",
            "--web.listen-address=127.0.0.1:{port}",
            "--web.external-url={url[alertmanager]}/",
            # A single Alertmanager needs no cluster.
            "--cluster.listen-address=",
            "--log.format=json",
        ),
        directory="{layout.etc}/alertmanager",
    ),
    "node-exporter": Launch(
        command=(
            "{program}",
            "--web.listen-address=127.0.0.1:{port}",
            "@{root}/prometheus/node-exporter.args",
        )
    ),
    "blackbox-exporter": Launch(
        command=(
            "{program}",
            "--config.file={root}/prometheus/blackbox.yml",
            "--web.listen-address=127.0.0.1:{port}",
            "--timeout-offset={timeout_offset}",
            "--log.format=json",
        )
    ),
    "loki": Launch(
        command=("{program}", "-config.file={root}/loki/loki.yml", "-config.expand-env=true"),
        more_ports=("loki_grpc",),
        environment={
            "LOKI_ADDRESS": LOOPBACK,
            "LOKI_DATA": "{layout.data}/loki",
            "LOKI_ETC": "{layout.etc}/loki",
            "ALERTMANAGER_CREDENTIALS_FILE": "{layout.alertmanager_login}/credentials",
        },
    ),
    "collector": Launch(
        command=(
            "{program}",
            # Write a line to the queue on disk before its offset in the file is stored.
            "--feature-gates=stanza.synchronousLogEmitter",
            "--config={root}/loki/collector.yml",
        ),
        more_ports=("collector_health",),
        ready="{url[collector_health]}/",
        # Its files store its offsets. After a graceful stop, it loses what did not fit its queue.
        stop_signal="KILL",
        environment={
            "LOG_DIR": "{layout.logs}",
            "COLLECTOR_DATA": "{layout.data}/collector",
            # Below the limit at which it stops reading (400 MiB), so that it frees memory before.
            "GOMEMLIMIT": "320MiB",
        },
    ),
    "grafana": Launch(
        command=("{program}",),
        environment={
            **GRAFANA_ENVIRONMENT,
            "GF_SERVER_HTTP_ADDR": LOOPBACK,
            "GF_SERVER_HTTP_PORT": "{port}",
            "GF_PATHS_DATA": "{layout.data}/grafana",
            "GF_PATHS_LOGS": "{layout.data}/grafana/logs",
            "GF_PATHS_PLUGINS": "{layout.data}/grafana/plugins",
            "GF_PATHS_PROVISIONING": "{root}/grafana/provisioning",
            # Grafana reads the passwords from the files.
            "GF_SECURITY_ADMIN_PASSWORD": "$__file{{{layout.grafana_password}}}",
            "ALERTMANAGER_PASSWORD": "$__file{{{layout.alertmanager_password}}}",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "{root}/grafana/dashboards/overview.json",
            "DASHBOARDS_DIR": "{root}/grafana/dashboards",
        },
    ),
}

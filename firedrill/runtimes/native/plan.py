"""What the native runtime runs: every process with its command, environment and port. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ... import VERSION
from ...programs import Program
from ...settings import CEILING, ROOT, StackSettings
from .layout import Layout

LOOPBACK = "127.0.0.1"
# Where the instances of a service listen, above INSTANCES_PORT: 101 to 104, 201 to 204.
SERVICES = {"web": 100, "data-service": 200}


@dataclass(frozen=True)
class Process:
    """One process for supervisord.

    `ready` is a URL that answers 200 once it serves; `job` the scrape job that it belongs to,
    None where it has no metrics; `files` a folder that its program wants beside its
    configuration; `scales` says that it is started by scale rather than always.
    """

    name: str
    service: str
    command: Sequence[str]
    port: int
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    files: Path | None = None
    job: str | None = "stack"
    more_ports: Sequence[int] = ()
    scales: bool = False
    stop_signal: str = "TERM"

    @property
    def address(self) -> str:
        """Where it listens, without a scheme."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def number(self) -> int:
        """Return the number at the end of the name, from 1."""
        return int(self.name.rpartition("-")[2])


@dataclass(frozen=True)
class Plan:
    """All processes of a stack, and the addresses that people want."""

    processes: Sequence[Process]
    addresses: Mapping[str, str]

    def process(self, name: str) -> Process | None:
        """Return the process of that name."""
        return next((process for process in self.processes if process.name == name), None)

    def of(self, service: str) -> Sequence[Process]:
        """Return the processes of a service, in order."""
        return [process for process in self.processes if process.service == service]


def make_plan(
    settings: StackSettings, layout: Layout, programs: Mapping[str, Program], token: str
) -> Plan:
    """Return what to run with the programs that were found."""
    builder = _Builder(settings, layout, programs, token)
    return Plan(builder.processes(), builder.addresses())


class _Builder:
    def __init__(
        self,
        settings: StackSettings,
        layout: Layout,
        programs: Mapping[str, Program],
        token: str,
    ) -> None:
        self._settings = settings
        self._ports = settings.ports
        self._layout = layout
        self._programs = programs
        self._token = token

    def addresses(self) -> dict[str, str]:
        shown = {
            "Services": f"http://{self._settings.lb_address}:{self._ports.lb}/",
            "Load balancer": f"{self._url(self._ports.lb_stats)}/",
            "Prometheus": f"{self._url(self._ports.prometheus)}/",
            "Alertmanager": f"{self._url(self._ports.alertmanager)}/",
            "Responder": f"{self._url(self._ports.responder)}/",
        }
        if "grafana" in self._programs:
            shown["Grafana"] = f"{self._url(self._ports.grafana)}/"
        if "loki" in self._programs:
            shown["Loki"] = f"{self._url(self._ports.loki)}/ready"
        return shown

    def processes(self) -> list[Process]:
        return [
            *self._instances("data-service", "apps.data_service:create_app()", {}),
            *self._instances("web", "apps.web:create_app()", self._web_environment()),
            self._responder(),
            self._lb(),
            self._prometheus(),
            self._alertmanager(),
            self._node_exporter(),
            self._blackbox_exporter(),
        ]

    @staticmethod
    def _url(port: int) -> str:
        return f"http://{LOOPBACK}:{port}"

    def _instances(self, service: str, app: str, environment: Mapping[str, str]) -> list[Process]:
        first = self._ports.instances + SERVICES[service]
        return [
            self._flask(service, app, number, first + number, environment)
            for number in range(1, CEILING + 1)
        ]

    def _flask(
        self, service: str, app: str, number: int, port: int, environment: Mapping[str, str]
    ) -> Process:
        name = f"{service}-{number}"
        shared = {
            "SERVICE": service,
            "INSTANCE": name,
            "VERSION": VERSION,
            "HOST": LOOPBACK,
            "PORT": str(port),
            "LOG_LEVEL": self._settings.log_level,
            "TRUSTED_PROXIES": "1",
            "FAULTS_ENABLED": "1" if self._settings.faults_enabled else "0",
            "FAULTS_TOKEN": self._token,
        }
        conf = "apps/telemetry/gunicorn_conf.py"
        return Process(
            name=name,
            service=service,
            command=[sys.executable, "-m", "gunicorn", "-c", conf, app],
            port=port,
            ready=f"{self._url(port)}/readyz",
            environment={**shared, **environment},
            job="services",
            scales=service in SERVICES,
        )

    def _web_environment(self) -> dict[str, str]:
        links = ",".join(f"{title}={address}" for title, address in self.addresses().items())
        return {"DATA_SERVICE_URL": self._url(self._ports.lb_internal), "LINKS": links}

    def _responder(self) -> Process:
        environment = {
            "RESPONDER_DB": str(self._layout.data / "responder" / "journal.sqlite"),
            "FAULTS_ENABLED": "0",
            "TRUSTED_PROXIES": "0",
        }
        app = "alerting.responder:create_app()"
        return self._flask("responder", app, 1, self._ports.responder, environment)

    def _program(
        self,
        service: str,
        program: str,
        arguments: Sequence[str],
        port: int,
        **more: object,
    ) -> Process:
        found = self._programs[program]
        environment = {**found.environment, **dict(more.pop("environment", {}))}  # type: ignore[call-overload]
        return Process(
            name=f"{service}-1",
            service=service,
            command=[str(found.path), *arguments],
            port=port,
            environment=environment,
            files=found.files,
            **more,  # type: ignore[arg-type]
        )

    def _lb(self) -> Process:
        ports = self._ports
        servers = {
            f"{service.upper().replace('-', '_')}_{number}": (
                f"{LOOPBACK}:{ports.instances + offset + number}"
            )
            for service, offset in SERVICES.items()
            for number in range(1, CEILING + 1)
        }
        return self._program(
            "lb",
            "haproxy",
            ["-db", "-f", str(ROOT / "lb" / "haproxy.cfg")],
            ports.lb_stats,
            ready=f"{self._url(ports.lb_stats)}/;csv",
            more_ports=(ports.lb, ports.lb_internal),
            stop_signal="USR1",  # finish what is in flight; TERM would cut it off
            environment={
                "RUNTIME": "native",
                "INSTANCE": "lb-1",
                "LB_VERSION": ".".join(map(str, self._programs["haproxy"].version)),
                "LB_SOCKET": str(self._layout.lb_socket),
                "LB_STATE": str(self._layout.lb_state),
                "LB_ADDRESS": self._settings.lb_address,
                "LB_PORT": str(ports.lb),
                "LB_INTERNAL_ADDRESS": LOOPBACK,
                "LB_INTERNAL_PORT": str(ports.lb_internal),
                "LB_STATS_ADDRESS": LOOPBACK,
                "LB_STATS_PORT": str(ports.lb_stats),
                **servers,
            },
        )

    def _prometheus(self) -> Process:
        port = self._ports.prometheus
        return self._program(
            "prometheus",
            "prometheus",
            [
                "--config.file=prometheus.yml",
                f"--storage.tsdb.path={self._layout.data / 'prometheus'}",
                f"--storage.tsdb.retention.time={self._settings.retention}",
                f"--storage.tsdb.retention.size={self._settings.retention_size}",
                f"--web.listen-address={LOOPBACK}:{port}",
                f"--web.external-url={self._url(port)}/",
                # An alert that found no Alertmanager is sent again after this, not after a minute.
                "--rules.alert.resend-delay=15s",
                "--enable-feature=exemplar-storage",
                "--log.format=json",
            ],
            port,
            directory=self._layout.etc / "prometheus",
            ready=f"{self._url(port)}/-/ready",
            environment={
                "RESPONDER_URL": self._url(self._ports.responder),
                "GRAFANA_URL": self._url(self._ports.grafana),
            },
        )

    def _alertmanager(self) -> Process:
        port = self._ports.alertmanager
        return self._program(
            "alertmanager",
            "alertmanager",
            [
                "--config.file=alertmanager.yml",
                f"--storage.path={self._layout.data / 'alertmanager'}",
                f"--web.listen-address={LOOPBACK}:{port}",
                f"--web.external-url={self._url(port)}/",
                "--cluster.listen-address=",  # one alone has nobody to gossip with
                "--log.format=json",
            ],
            port,
            directory=self._layout.etc / "alertmanager",
            ready=f"{self._url(port)}/-/ready",
        )

    def _node_exporter(self) -> Process:
        port = self._ports.node_exporter
        arguments = [f"--web.listen-address={LOOPBACK}:{port}", "--log.format=json"]
        ready = f"{self._url(port)}/"
        return self._program("node-exporter", "node_exporter", arguments, port, ready=ready)

    def _blackbox_exporter(self) -> Process:
        port = self._ports.blackbox_exporter
        arguments = [
            f"--config.file={ROOT / 'prometheus' / 'blackbox.yml'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.format=json",
        ]
        ready = f"{self._url(port)}/-/healthy"
        return self._program("blackbox-exporter", "blackbox_exporter", arguments, port, ready=ready)

"""The processes of a native stack: our own and the components. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ... import VERSION
from ...config import ROOT
from ...config.components import COMPONENTS
from ...config.service import DEFAULT_RESPONSE, MAX_RESPONSE, STOP_SECONDS, url_variable
from ...config.services import SERVICES, digest_of, ops_port
from ...config.settings import StackSettings
from ...toolchain.cache import default_cache
from ...toolchain.find import Program
from .. import speed
from . import environments
from .components import INSTANCE, LAUNCHES, LOOPBACK, SERVERS, Launch
from .layout import Layout

# The collector's extra configuration for the fake Loki.
FAKE_LOKI_CONFIG = ROOT / "alertdrill" / "audit" / "fake_loki_collector.yml"
# A drain (12 s), the requests in flight (10 s), and 3 s to exit.
DEFAULT_STOP_SECONDS = STOP_SECONDS + DEFAULT_RESPONSE
PACKAGED_GRAFANA = Path("/usr/share/grafana")


@dataclass(frozen=True)
class Process:
    """One process for supervisord.

    `ready` is a URL that answers 200 once it is ready; `job` its scrape job, None without
    metrics; `ops_port` its port for operations, if it has one; `files` a folder that its program
    needs beside its configuration. It is killed `stop_seconds` after its stop signal.
    """

    name: str
    command: Sequence[str]
    port: int
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    files: Path | None = None
    job: str | None = "stack"
    ops_port: int | None = None
    more_ports: Sequence[int] = ()
    stop_signal: str = "TERM"
    stop_seconds: float = DEFAULT_STOP_SECONDS

    @property
    def service(self) -> str:
        """The service or component that it is an instance of."""
        return self.name.rpartition("-")[0]

    @property
    def number(self) -> int:
        """The number at the end of the name, from 1."""
        return int(self.name.rpartition("-")[2])

    @property
    def scales(self) -> bool:
        """Whether the replica count decides if it runs."""
        return self.service in SERVICES

    @property
    def address(self) -> str:
        """The address (host:port)."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ops_address(self) -> str:
        """The address of its operations; empty if it has no port for them."""
        return f"{LOOPBACK}:{self.ops_port}" if self.ops_port else ""

    @property
    def ports(self) -> Sequence[int]:
        """Every port that it listens on."""
        return [self.port, *([self.ops_port] if self.ops_port else []), *self.more_ports]


def url(port: int) -> str:
    """Return the URL of a port on the loopback."""
    return f"http://{LOOPBACK}:{port}"


class Plan:
    """The processes of a stack, from its settings and the installed programs.

    `token` is the one for `/faults` of the services.
    """

    def __init__(
        self,
        settings: StackSettings,
        layout: Layout,
        programs: Mapping[str, Program],
        token: str = "",
    ) -> None:
        self._settings, self._layout, self._programs = settings, layout, programs
        self._url = {name: url(port) for name, port in vars(settings.ports).items()}
        self._fakes_loki = settings.fake_loki and "loki" not in programs
        self._values = {
            "root": ROOT,
            "python": sys.executable,
            "layout": layout,
            "settings": settings,
            "token": token,
            "services": digest_of(SERVICES),
            "url": self._url,
            "timeout_offset": speed.timeout_offset(settings.speed),
            "watchdog_timeout": speed.watchdog_timeout(settings.speed),
        }

    @cached_property
    def processes(self) -> Sequence[Process]:
        """All processes whose programs are installed."""
        # Without Loki, the collector has nowhere to send lines.
        absent = () if self._fakes_loki or "loki" in self._programs else ("collector",)
        components = [
            self.component(name)
            for name in LAUNCHES
            if COMPONENTS[name].program in ("", *self._programs) and name not in absent
        ]
        if self._fakes_loki and "otelcol" in self._programs:
            components.append(self._fake_loki())
        return [*self._instances(), *components]

    def of(self, target: str) -> Sequence[Process]:
        """Return the processes of a service or component, in order, or the one with this name."""
        return [process for process in self.processes if target in (process.service, process.name)]

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """The URLs for users, by title: of everything that runs and has a page."""
        # A wildcard address includes the loopback, which a link can use.
        everywhere = self._settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
        public = LOOPBACK if everywhere else self._settings.lb_address
        # A distribution's package of Prometheus has no page but our console.
        packaged = self._programs["prometheus"].origin == "cache"
        addresses = {
            "Services": f"http://{public}:{self._settings.ports.lb}/",
            "Load balancer": f"{self._url['lb_stats']}/",
            "Prometheus": f"{self._url['prometheus']}/{'consoles/index.html' if packaged else ''}",
            "Alertmanager": f"{self._url['alertmanager']}/",
            "Responder": f"{self._url['responder']}/",
            "Grafana": f"{self._url['grafana']}/",
            "Loki": f"{self._url['loki']}/ready",
        }
        absent = {"grafana", "loki"} - self._programs.keys()
        return {title: link for title, link in addresses.items() if title.lower() not in absent}

    def component(self, name: str) -> Process:
        """Return the only instance of a component."""
        spec, launch = COMPONENTS[name], LAUNCHES[name]
        ports = vars(self._settings.ports)
        port = ports[spec.setting]
        ops = ports.get(launch.ops_port)
        process = self._process(launch, f"{name}-1", port, ops, self._programs.get(spec.program))
        return replace(
            process,
            command=[*process.command, *self._more_arguments(name)],
            ready=process.ready or f"{url(ops or port)}{spec.ready}",
            job=spec.job,
            # The load balancer ends by itself 2 s after the longest response that is declared then.
            stop_seconds=STOP_SECONDS + MAX_RESPONSE,
            # Each knows where the others listen: LOKI_PORT, LOKI_URL and so on.
            environment={
                **{f"{key.upper()}_PORT": str(number) for key, number in ports.items()},
                **{f"{key.upper()}_URL": address for key, address in self._url.items()},
                **process.environment,
            },
        )

    def _instances(self) -> Iterator[Process]:
        """Yield every possible instance of every service."""
        links = ",".join(f"{title}={address}" for title, address in self.addresses.items())
        for service in SERVICES.values():
            if service.image:  # for containers only
                continue
            called = map(url_variable, service.calls)
            own = {
                "APP": service.application,
                **service.server_environment,
                "PYTHONPATH": str(environments.TELEMETRY),
                "LINKS": links,
                **dict.fromkeys(called, self._url["lb_internal"]),
                **service.environment(self._layout.files_of(service)),
            }
            python = environments.python(service)
            for number in range(1, service.replicas.max + 1):
                port = self._settings.ports.instance(service.name, number)
                name = f"{service.name}-{number}"
                launch = replace(INSTANCE, command=(str(python), *SERVERS[service.server]))
                process = self._process(launch, name, port, ops_port(port))
                yield replace(
                    process,
                    environment={**process.environment, **own},
                    directory=service.folder if service.path else process.directory,
                    job="services",
                    stop_seconds=service.stop_seconds,
                )

    def _process(
        self,
        launch: Launch,
        name: str,
        port: int,
        ops: int | None,
        program: Program | None = None,
    ) -> Process:
        service = name.rpartition("-")[0]

        def fill(text: str) -> str:
            return text.format(
                name=name,
                service=service,
                port=port,
                ops_port=ops,
                program=program and program.path,
                version=".".join(map(str, program.version)) if program else VERSION,
                **self._values,
            )

        environment = {key: fill(value) for key, value in launch.environment.items()}
        return Process(
            name=name,
            command=list(map(fill, launch.command)),
            port=port,
            ready=fill(launch.ready),
            environment={**(program.environment if program else {}), **environment},
            directory=Path(fill(launch.directory)),
            files=program.files if program else None,
            ops_port=ops,
            more_ports=[getattr(self._settings.ports, other) for other in launch.more_ports],
            stop_signal=launch.stop_signal,
        )

    def _more_arguments(self, name: str) -> Sequence[str]:
        """Return the arguments that depend on the stack."""
        settings = self._settings
        if name == "prometheus":
            # Allows an ephemeral stack to backfill and delete series; other stacks forbid it.
            admin = ["--web.enable-admin-api"] if settings.ephemeral else []
            return [*speed.prometheus_flags(settings.speed), *admin]
        if name == "loki":
            return speed.loki_flags(settings.speed)
        if name == "collector" and self._fakes_loki:
            return [f"--config={FAKE_LOKI_CONFIG}"]
        if name == "grafana":
            program = self._programs["grafana"].path
            command = ["server"] if program.name == "grafana" else []  # older: grafana-server
            # Its home is above its program, or the distribution's.
            unpacked = program.resolve().parent.parent
            home = unpacked if (unpacked / "conf/defaults.ini").exists() else PACKAGED_GRAFANA
            return [*command, "--homepath", str(home)]
        return []

    def _fake_loki(self) -> Process:
        """Return the fake Loki, which listens on Loki's port in an audit's ephemeral stack."""
        port = self._settings.ports.loki
        data = str(self._layout.data / "fake-loki")
        return Process(
            name="fake-loki-1",
            command=[
                *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads=4"),
                f"--bind={LOOPBACK}:{port}",
                f"alertdrill.audit.fake_loki:create_app({data!r})",
            ],
            port=port,
            ready=f"{url(port)}/ready",
            job=None,  # it has no metrics
        )


def stack_file(settings: StackSettings) -> str:
    """Return the stack's settings as the text of the file that the control API reads."""
    # Settings of containers only: a change of them does not change a native stack.
    names = ("project", "versions", "replicas", "docker_root", "docker_socket", "grafana_password")
    defaults = StackSettings(home=Path())
    unused: dict[str, Any] = {name: getattr(defaults, name) for name in names}
    # The control API has no home folder to derive the default cache from.
    cache = settings.cache or default_cache()
    return replace(settings, runtime="native", cache=cache, **unused).to_json()

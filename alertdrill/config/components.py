"""The components of the stack beside our services: images, ports, probes, programs. Pure data.

Both runtimes read this table; a test compares it with docker-compose.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Component:
    """A component: where it listens, what tells that it is ready, and what it is started from.

    `ready` is the path that answers 200 once it is ready, None if only its health check can tell;
    `job` is its scrape job; `metrics` is its port for metrics, if that is not `port`. `ops` is the
    port for `ready` and metrics of a program of ours that has one.

    `setting` is its port in `settings.Ports`; in containers that port is `published` on the host
    or unused. `program` is what the native runtime starts.

    `image` comes from a registry, in the version of `settings.ImageVersions` that `version` names;
    without it, the component has an image of ours. `optional` is the variable for the number of
    replicas of a component that some hosts lack. `alias` is its name on the network that it shares
    with Prometheus, if it is on several networks. Replicas share an alias, so each has a name that
    is limited to that `network`. `relay` is the component through which it is scraped.
    """

    port: int = 0
    ready: str | None = None
    job: str = "stack"
    metrics: int | None = None
    ops: int | None = None
    setting: str = ""
    published: bool = False
    program: str = ""
    image: str = ""
    version: str = ""
    optional: str = ""
    alias: str = ""
    network: str = ""
    relay: str = ""
    replicas: int = 1

    @property
    def scrape_port(self) -> int:
        """The port that Prometheus scrapes."""
        return self.metrics or self.ops or self.port

    def host(self, container: str) -> str:
        """Return the name of one of its containers for others; replicas share the alias."""
        return self.alias if self.alias and self.replicas == 1 else container

    @property
    def version_variable(self) -> str:
        """The variable for the tag of its image."""
        return f"{self.version.upper()}_VERSION"


def _program(port: int, ready: str, program: str, image: str, **fields: Any) -> Component:
    """Return a component whose version and port setting have the name of its program."""
    names = {"program": program, "version": program, "setting": program}
    return Component(port, ready, **{**names, "image": image, **fields})


def _page(name: str, port: int, ready: str, image: str, optional: str = "") -> Component:
    """Return a component with pages or an API for users."""
    alias = f"{name}-on-telemetry"
    return _program(port, ready, name, image, published=True, optional=optional, alias=alias)


COMPONENTS: Mapping[str, Component] = {
    "lb": _program(
        8404,
        "/;csv",
        "haproxy",
        "haproxy",
        setting="lb_stats",
        published=True,
        alias="lb-on-services",
    ),
    "responder": Component(
        8090,
        "/readyz",
        job="services",
        # The rule of the services: `port` + 50.
        ops=8140,
        setting="responder",
        published=True,
        alias="responder-on-telemetry",
    ),
    "prometheus": _page("prometheus", 9090, "/-/ready", "prom/prometheus"),
    "alertmanager": _page("alertmanager", 9093, "/-/ready", "prom/alertmanager"),
    "loki": _page("loki", 3100, "/ready", "grafana/loki", "LOKI_REPLICAS"),
    "collector": _program(
        13133,
        "/",
        "otelcol",
        "otel/opentelemetry-collector-contrib",
        version="collector",
        metrics=8888,
        setting="collector_metrics",
        optional="COLLECTOR_REPLICAS",
    ),
    "grafana": _page("grafana", 3000, "/api/health", "grafana/grafana", "GRAFANA_REPLICAS"),
    "node-exporter": _program(9100, "/", "node_exporter", "prom/node-exporter"),
    "blackbox-exporter": _program(
        9115,
        "/-/healthy",
        "blackbox_exporter",
        "prom/blackbox-exporter",
        alias="blackbox-exporter-on-telemetry",
    ),
    "pushgateway": Component(
        9091, "/-/ready", job="pushed", image="prom/pushgateway", version="pushgateway"
    ),
    # Each of these has two replicas, so that one can bring the other back.
    "control": Component(
        8091,
        ops=8141,
        setting="control",
        alias="control-on-healing",
        network="healing",
        replicas=2,
    ),
    "docker-proxy": Component(relay="control", image="haproxy", version="haproxy", replicas=2),
}
# What supervises the native processes: its name among instances and targets.
SUPERVISOR = "supervisord"
# What docker-compose.yml runs once or on demand.
TASKS = ("drills", "drills-proxy", "init-config", "locust-master", "locust-worker", "test")

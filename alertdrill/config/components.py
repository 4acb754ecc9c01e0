"""The components of the stack beside our services: images, ports, probes, programs. Pure data.

Both runtimes read this table; a test compares it with docker-compose.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Component:
    """A component: where it listens, what tells that it is ready, and what it is started from.

    `ready` is the path that answers 200 once it is ready, None if only its health check can tell;
    `job` is its scrape job; `metrics` is its port for metrics, if that is
    not `port`.

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
    def version_variable(self) -> str:
        """The variable for the tag of its image."""
        return f"{self.version.upper()}_VERSION"


COMPONENTS: Mapping[str, Component] = {
    "lb": Component(
        8404,
        "/;csv",
        setting="lb_stats",
        published=True,
        program="haproxy",
        image="haproxy",
        version="haproxy",
        alias="lb-on-services",
    ),
    "responder": Component(
        8090,
        "/readyz",
        job="services",
        setting="responder",
        published=True,
        alias="responder-on-telemetry",
    ),
    "prometheus": Component(
        9090,
        "/-/ready",
        setting="prometheus",
        published=True,
        program="prometheus",
        image="prom/prometheus",
        version="prometheus",
        alias="prometheus-on-telemetry",
    ),
    "alertmanager": Component(
        9093,
        "/-/ready",
        setting="alertmanager",
        published=True,
        program="alertmanager",
        image="prom/alertmanager",
        version="alertmanager",
        alias="alertmanager-on-telemetry",
    ),
    "loki": Component(
        3100,
        "/ready",
        setting="loki",
        published=True,
        program="loki",
        image="grafana/loki",
        version="loki",
        optional="LOKI_REPLICAS",
        alias="loki-on-telemetry",
    ),
    "collector": Component(
        13133,
        "/",
        metrics=8888,
        setting="collector_metrics",
        program="otelcol",
        image="otel/opentelemetry-collector-contrib",
        version="collector",
        optional="COLLECTOR_REPLICAS",
    ),
    "grafana": Component(
        3000,
        "/api/health",
        setting="grafana",
        published=True,
        program="grafana",
        image="grafana/grafana",
        version="grafana",
        optional="GRAFANA_REPLICAS",
        alias="grafana-on-telemetry",
    ),
    "node-exporter": Component(
        9100,
        "/",
        setting="node_exporter",
        program="node_exporter",
        image="prom/node-exporter",
        version="node_exporter",
    ),
    "blackbox-exporter": Component(
        9115,
        "/-/healthy",
        setting="blackbox_exporter",
        program="blackbox_exporter",
        image="prom/blackbox-exporter",
        version="blackbox_exporter",
        alias="blackbox-exporter-on-telemetry",
    ),
    "pushgateway": Component(
        9091, "/-/ready", job="pushed", image="prom/pushgateway", version="pushgateway"
    ),
    # Each of these has two replicas, so that one can bring the other back.
    "control": Component(
        8091, setting="control", alias="control-on-healing", network="healing", replicas=2
    ),
    "docker-proxy": Component(relay="control", image="haproxy", version="haproxy", replicas=2),
}
# What docker-compose.yml runs once or on demand.
TASKS = ("drills", "drills-proxy", "init-config", "locust-master", "locust-worker", "test")

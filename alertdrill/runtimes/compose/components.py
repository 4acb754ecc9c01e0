"""The services of `docker-compose.yml`: ports, probes, scrape jobs. Pure data.

A test compares them with the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...config.services import SERVICES

# The number of replicas of a service that the load balancer and Prometheus look up by name.
REPLICA_SLOTS = 8


@dataclass(frozen=True)
class Component:
    """A service of the stack: its port, and the URL that tells whether it is ready.

    `job` is its scrape job, None without metrics; `ready` is the path that answers 200 once it is
    ready, None if only its health check can tell; `published` is its port of `settings.Ports` on
    the host; `metrics` is its port for metrics, if that is not `port`; `optional` is the variable
    for the number of replicas of a component that some hosts lack; `alias` is its name on the
    network that it shares with Prometheus, if it is on several networks.
    """

    port: int = 0
    ready: str | None = None
    job: str | None = "stack"
    published: str | None = None
    metrics: int | None = None
    optional: str = ""
    alias: str = ""


COMPONENTS: Mapping[str, Component] = {
    "lb": Component(8404, "/;csv", published="lb_stats", alias="lb-on-services"),
    **{
        name: Component(service.port, "/readyz", job="services")
        for name, service in SERVICES.items()
    },
    "responder": Component(
        8090, "/readyz", job="services", published="responder", alias="responder-on-telemetry"
    ),
    "prometheus": Component(
        9090, "/-/ready", published="prometheus", alias="prometheus-on-telemetry"
    ),
    "alertmanager": Component(
        9093, "/-/ready", published="alertmanager", alias="alertmanager-on-telemetry"
    ),
    "loki": Component(
        3100, "/ready", published="loki", optional="LOKI_REPLICAS", alias="loki-on-telemetry"
    ),
    "collector": Component(13133, "/", metrics=8888, optional="COLLECTOR_REPLICAS"),
    "grafana": Component(
        3000,
        "/api/health",
        published="grafana",
        optional="GRAFANA_REPLICAS",
        alias="grafana-on-telemetry",
    ),
    "grafana-token": Component(job=None, optional="GRAFANA_REPLICAS"),
    "node-exporter": Component(9100, "/"),
    "blackbox-exporter": Component(9115, "/-/healthy", alias="blackbox-exporter-on-telemetry"),
    "pushgateway": Component(9091, "/-/ready", job="pushed"),
    # Only the responder reaches it, so drills can't probe it.
    "control": Component(8091, job=None, alias="control-on-healing"),
    "docker-proxy": Component(job=None),
    "restarter": Component(job=None),
}
# Each of these has two replicas, so that one can restart the other.
REDUNDANT = ("docker-proxy", "restarter")

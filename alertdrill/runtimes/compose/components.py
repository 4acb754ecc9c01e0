"""What `docker-compose.yml` runs, as seen from outside its containers. Pure data.

A test holds it against the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...settings import SERVICES

# How many replicas of a service the load balancer and Prometheus look for by name.
REPLICA_SLOTS = 8


@dataclass(frozen=True)
class Component:
    """A service of the stack: where it listens inside, and how it says that it is ready.

    `job` is the scrape job that lists it, None where it has no metrics; `ready` answers 200 once
    it serves, None where only its health check can tell; `published` is its port of
    `settings.Ports` on the host; `metrics` is another port than `port` for them; `optional` is
    the variable that says how many there are, of a part that not every host can have; `alias` is
    its name on the network over which the others talk to it, where they share another one.
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
    # Nobody but the responder reaches it, so that drills can't ask whether it serves.
    "control": Component(8091, job=None, alias="control-on-healing"),
    "docker-proxy": Component(job=None),
    "restarter": Component(job=None),
}
# There are two of these from the start, so that each can bring the other back.
REDUNDANT = ("docker-proxy", "restarter")

"""The steady state: every instance is ready and scraped, traffic flows, no alert fires."""

from __future__ import annotations

from collections.abc import Sequence

from ..clients.http import UnreachableError, get_json
from ..clients.loki import Loki
from ..clients.prometheus import Evaluator, Prometheus
from ..clients.responder import ResponderClient
from ..runtimes import Runtime
from . import requirements
from .errors import UnsteadyError
from .model import LoadSpec
from .undo import TIMEOUT_S, instance_addresses

# This alert always fires, by design.
WATCHDOG = "Watchdog"
# Share of the requests that the users would send to an idle stack, one per second each.
MIN_TRAFFIC = 0.5
# Services that the responder scaled out and has not scaled in yet.
ABOVE_MIN_REPLICAS = """
count by (scaled_service) (
  label_replace(up{job="services"} == 1, "scaled_service", "$1", "service", "(.+)")
)
> on (scaled_service) max by (scaled_service) (responder_min_replicas)
"""


def require(runtime: Runtime, load: LoadSpec, alert: str = "") -> None:
    """Raise `UnsteadyError` with the first deviation; `alert` may not even be pending."""
    try:
        services = _require_ready(runtime)
        prometheus = Prometheus(runtime.address("prometheus"))
        _require_scrapes(prometheus)
        _require_no_alerts(prometheus, alert)
        if loki := requirements.log_store_url(runtime, services):
            _require_no_alerts(Loki(loki), alert)
        _require_traffic(prometheus, load, runtime.speed)
        _require_min_replicas(prometheus)
        _require_watchdog(runtime)
    except UnreachableError as error:
        raise UnsteadyError(str(error)) from error


def _require_ready(runtime: Runtime) -> set[str]:
    instances = runtime.status()
    if not instances:
        raise UnsteadyError("The stack is down.")
    for instance in instances:
        if instance.state not in ("ready", "standby"):
            raise UnsteadyError(f"{instance.name} is {instance.state}.")
    return {instance.service for instance in instances}


def require_no_faults(runtime: Runtime, services: Sequence[str]) -> None:
    """Raise `UnsteadyError` if a fault is still active in an instance of these services."""
    for service in services:
        for address in instance_addresses(runtime, service):
            url, token = f"http://{address}/faults", runtime.faults_token()
            try:
                faults = get_json(url, timeout=TIMEOUT_S, token=token)["faults"]
            except UnreachableError as error:
                if error.status is None:
                    raise UnsteadyError(f"{address} of {service} does not answer.") from error
                raise UnsteadyError(
                    f"{address} of {service} answers {error.status} to /faults:"
                    " drills need FAULTS_ENABLED=1."
                ) from error
            active = [fault["kind"] for fault in faults if fault["active"]]
            if active:
                raise UnsteadyError(f"{service} at {address} has the fault {active[0]}.")


def _require_scrapes(prometheus: Prometheus) -> None:
    up = prometheus.query("up")
    if not up:
        raise UnsteadyError("Prometheus scrapes nothing.")
    for sample in up:
        if sample["value"][1] != "1":
            raise UnsteadyError(f"{sample['metric'].get('instance')} is not scraped.")


def _require_no_alerts(evaluator: Evaluator, alert: str) -> None:
    names = sorted({labels["alertname"] for labels in evaluator.firing_alerts()} - {WATCHDOG})
    if names:
        raise UnsteadyError(f"{', '.join(names)} is firing.")
    rule = evaluator.rule(alert) if alert and alert != WATCHDOG else None
    if rule is not None and rule.alerts:
        raise UnsteadyError(f"{alert} is pending.")


def _require_traffic(prometheus: Prometheus, load: LoadSpec, speed: float) -> None:
    if load.shape is None:
        return
    window = max(2, round(30 / speed))  # six scrapes at speed 1
    rate = prometheus.value(f'sum(rate(flask_http_request_total{{service="web"}}[{window}s]))')
    if rate is None or rate < MIN_TRAFFIC * load.users:
        raise UnsteadyError(
            f"web serves {rate or 0:.1f} requests/s: {load.users} users should send more."
        )


def _require_min_replicas(prometheus: Prometheus) -> None:
    """Raise `UnsteadyError` if a service still has instances that a load required."""
    for sample in prometheus.query(ABOVE_MIN_REPLICAS):
        service, count = sample["metric"]["scaled_service"], sample["value"][1]
        raise UnsteadyError(f"{service} has {count} instances, more than its minimum.")


def _require_watchdog(runtime: Runtime) -> None:
    if ResponderClient(runtime.address("responder")).misses_watchdog():
        raise UnsteadyError("The responder misses Watchdog.")

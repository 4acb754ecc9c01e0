"""The steady state: everything serves, everything is scraped, traffic flows, nothing fires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from ..runtimes import Runtime
from . import absent
from .ask import Evaluator, Prometheus, Ruler, get
from .drill import LoadSpec
from .errors import UnreachableError, UnsteadyError
from .steps import TIMEOUT, addresses

# It always fires; that is its purpose.
ALWAYS = "Watchdog"
# Of the requests that the users would send to an idle stack, one each a second.
LEAST_TRAFFIC = 0.5
# Of what the responder scales.
ABOVE_THE_FLOOR = """
count by (scaled_service) (
  label_replace(up{job="services"} == 1, "scaled_service", "$1", "service", "(.+)")
)
> on (scaled_service) max by (scaled_service) (responder_floor_instances)
"""


@dataclass(frozen=True)
class Expected:
    """What the steady state depends on: the load, and the alert that is to be drilled."""

    load: LoadSpec
    alert: str = ""


def require(runtime: Runtime, expected: Expected) -> None:
    """Raise `UnsteadyError` with the first thing that is not as it should be."""
    try:
        there = _instances(runtime)
        prometheus = Prometheus(runtime.address("prometheus"))
        _scrapes(prometheus)
        _alerts(prometheus, expected.alert)
        if loki := absent.log_store(runtime, there):
            _alerts(Ruler(loki), expected.alert)
        _traffic(prometheus, expected.load, runtime.speed)
        _at_the_floor(prometheus)
        watchdog(runtime)
    except UnreachableError as error:
        raise UnsteadyError(str(error)) from error


def _instances(runtime: Runtime) -> set[str]:
    found = runtime.status()
    if not found:
        raise UnsteadyError("The stack is down.")
    for instance in found:
        if instance.state not in ("ready", "standby"):
            raise UnsteadyError(f"{instance.name} is {instance.state}.")
    return {instance.service for instance in found}


def no_faults(runtime: Runtime, services: Sequence[str]) -> None:
    """Raise `UnsteadyError` where a service still has a fault that somebody switched on."""
    for service in services:
        for address in addresses(runtime, service):
            try:
                answer = requests.get(
                    f"http://{address}/faults",
                    headers={"Authorization": f"Bearer {runtime.token()}"},
                    timeout=TIMEOUT,
                )
            except requests.RequestException:
                raise UnsteadyError(f"{address} of {service} does not answer.") from None
            if not answer.ok:
                raise UnsteadyError(
                    f"{address} of {service} answers {answer.status_code} to /faults:"
                    " drills need FAULTS_ENABLED=1."
                )
            on = [fault["kind"] for fault in answer.json()["faults"] if fault["active"]]
            if on:
                raise UnsteadyError(f"{service} at {address} has the fault {on[0]}.")


def _scrapes(prometheus: Prometheus) -> None:
    up = prometheus.query("up")
    if not up:
        raise UnsteadyError("Prometheus scrapes nothing.")
    for sample in up:
        if sample["value"][1] != "1":
            raise UnsteadyError(f"{sample['metric'].get('instance')} is not scraped.")


def _alerts(evaluator: Evaluator, drilled: str) -> None:
    names = sorted({labels["alertname"] for labels in evaluator.firing()} - {ALWAYS})
    if names:
        raise UnsteadyError(f"{', '.join(names)} is firing.")
    rule = evaluator.rule(drilled) if drilled and drilled != ALWAYS else None
    if rule is not None and rule.alerts:
        raise UnsteadyError(f"{drilled} is pending.")


def _traffic(prometheus: Prometheus, load: LoadSpec, speed: float) -> None:
    if load.shape is None:
        return
    window = max(2, round(30 / speed))  # at speed 1, six scrapes
    rate = prometheus.value(f'sum(rate(flask_http_request_total{{service="web"}}[{window}s]))')
    if rate is None or rate < LEAST_TRAFFIC * load.users:
        raise UnsteadyError(
            f"Web serves {rate or 0:.1f} requests/s; {load.users} users should make more."
        )


def _at_the_floor(prometheus: Prometheus) -> None:
    """Raise `UnsteadyError` where what was started for a load is still to be stopped."""
    for sample in prometheus.query(ABOVE_THE_FLOOR):
        raise UnsteadyError(
            f"{sample['metric']['scaled_service']} has {sample['value'][1]} instances,"
            " more than its floor."
        )


def watchdog(runtime: Runtime) -> None:
    """Raise `UnsteadyError` where the responder misses the watchdog."""
    try:
        answer: Mapping[str, object] = get(f"{runtime.address('responder')}/watchdog")
    except UnreachableError as error:
        raise UnsteadyError(f"The responder misses Watchdog, or is away ({error}).") from error
    if answer["late"]:
        raise UnsteadyError("The responder misses Watchdog.")

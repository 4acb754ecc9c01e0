"""Replace the instances of a changed service without losing a request.

Compose replaces all instances of a service at once. So new ones start first, above the numbers of
the old ones: once the load balancer sends requests to them, Compose replaces the old ones, and
finally the extra ones leave. Every instance that leaves drains.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...clients import http
from ...config.service_values import RELEASE, SECRET_FILES
from ...config.services import SERVICES
from ..base import ProgressCallback, last_error, wait_until
from ..engine import Container, ProjectEngine
from ..errors import EngineError
from .containers import is_one_shot
from .project import ComposeProject

# All images are here by now; a slow machine takes half a minute to start everything.
TIMEOUT_S = 180
# Options of `up` to create the containers of one service, which start later.
UNSTARTED = ("--no-deps", "--no-start")
# The states of a container whose program has ended.
ENDED = ("restarting", "exited", "dead")


def changed_services(project: ComposeProject, model: Mapping[str, Any]) -> Sequence[str]:
    """Return the services of ours whose running containers differ from their declaration."""
    hashes, containers = project.config_hashes(), project.engine.running()

    def is_current(container: Container) -> bool:
        image = model["services"][container.service]["image"]
        return container.config_hash == hashes[
            container.service
        ] and container.image == project.image_id(image)

    running = [item for item in containers if item.service in SERVICES]
    return sorted({container.service for container in running if not is_current(container)})


def has_changed_network(project: ComposeProject, model: Mapping[str, Any]) -> bool:
    """Return whether a network exists and differs from its declaration.

    Compose can replace it only while no container uses it.
    """
    return any(_differs(project.engine, network) for network in model["networks"].values())


def _differs(engine: ProjectEngine, network: Mapping[str, Any]) -> bool:
    try:
        existing = engine.get(f"/networks/{network['name']}")
    except EngineError as error:
        if error.status == 404:
            return False
        raise
    declared = network.get("driver_opts", {})
    return not (
        declared.items() <= existing["Options"].items()
        and existing["Internal"] == network.get("internal", False)
    )


def renew(project: ComposeProject, service: str, count: int, on_progress: ProgressCallback) -> None:
    """Replace the instances of a service, numbered from 1 to `count`, by new ones.

    Raises an `AlertdrillError` if a new one does not become ready. Until the extra ones serve, the
    old ones then stay; after that, the replaced ones and the extra ones run until the next `up`.
    """
    old, extra = range(1, count + 1), range(count + 1, 2 * count + 1)
    if SERVICES[service].release:
        on_progress(f"renewing {service}: {SERVICES[service].release} …")
        project.run("run", "--rm", "--no-deps", f"{service}{RELEASE}")
    on_progress(f"renewing {service}: starting {_names(service, extra)} …")
    try:
        create(project, {service: 2 * count}, *UNSTARTED, "--no-recreate", only=[service])
        _start(project, service, extra)
    except BaseException:
        _remove(project, service, extra)
        raise
    on_progress(f"renewing {service}: replacing {_names(service, old)} …")
    try:
        create(project, {service: 2 * count}, *UNSTARTED, only=[service])
        _start(project, service, old)
    except BaseException:
        # Compose may have replaced some of them, which no longer run.
        for container in _instances(project, service, old):
            project.engine.start(container.name)
        raise
    _remove(project, service, extra)
    on_progress(f"{service} is renewed")


def create(
    project: ComposeProject, scales: Mapping[str, int], *options: str, only: Iterable[str] = ()
) -> None:
    """Create the services in `only`, or all: `--detach` starts them, `--wait` also waits."""
    try:
        project.run(
            *("up", "--no-build", "--pull", "never", *options),
            *(item for name, scale in scales.items() for item in ("--scale", f"{name}={scale}")),
            *only,
        )
    except EngineError as error:
        raise EngineError(f"{error}{_last_log_line(project)}") from error


def _remove(project: ComposeProject, service: str, numbers: range) -> None:
    containers = _instances(project, service, numbers)
    project.engine.stop_all([container for container in containers if container.pid])
    if containers:
        project.docker("rm", "--force", *(container.name for container in containers))


def _start(project: ComposeProject, service: str, numbers: range) -> None:
    """Start instances, each once the load balancer sends requests to the one before.

    The load balancer takes an instance for ready from the moment that it finds its name to the
    first check. A request to it is then refused and repeated once, which must not meet another.
    """
    for container in _instances(project, service, numbers):
        project.engine.start(container.name)
        wait_until(
            lambda number=container.number: _gets_requests(project, service, number),  # type: ignore[misc]
            f"requests to {container.instance}",
            TIMEOUT_S,
        )


def _gets_requests(project: ComposeProject, service: str, number: int) -> bool:
    """Return whether an instance is healthy and up; raise `EngineError` if it has failed."""
    [container] = _instances(project, service, range(number, number + 1))
    if container.health == "unhealthy" or container.state in ENDED:
        raise EngineError(f"{container.instance} fails.{_log_line(project, container)}")
    if container.health == "starting":
        return False
    try:
        statistics = http.request("GET", f"http://127.0.0.1:{project.settings.ports.lb_stats}/;csv")
    except http.UnreachableError:
        # A load balancer that does not run needs no wait.
        return not any(item.service == "lb" for item in project.engine.running())
    return container.instance in _serving(statistics.text, service)


def _instances(project: ComposeProject, service: str, numbers: range) -> Sequence[Container]:
    return [
        container
        for container in project.engine.containers()
        if container.service == service and container.number in numbers
    ]


def _serving(statistics: str, service: str) -> Sequence[str]:
    """Return the instances of a service that HAProxy's statistics (CSV) show as up."""
    rows = csv.DictReader(statistics.removeprefix("# ").splitlines())
    return [row["svname"] for row in rows if row["pxname"] == service and row["status"] == "UP"]


def _names(service: str, numbers: range) -> str:
    return ", ".join(f"{service}-{number}" for number in numbers)


def owner(instance: str) -> str:
    """Return the service of an instance, or of one of its containers that run once."""
    service = instance.rpartition("-")[0]
    for ending in (RELEASE, SECRET_FILES):
        service = service.removesuffix(ending)
    return service


def failures(project: ComposeProject) -> Mapping[str, str]:
    """Return a sentence about each container that has failed, by its instance."""
    return {
        container.instance: f"{container.instance} is not ready."
        f"{_health_line(project, container)}{_log_line(project, container)}"
        for container in project.engine.containers()
        if _has_failed(container)
    }


def _has_failed(container: Container) -> bool:
    if is_one_shot(container.service):
        return container.state == "exited" and container.exit_code != 0
    if container.state == "created" or container.health == "starting":
        return False
    return container.health != "healthy" if container.pid else True


def _last_log_line(project: ComposeProject) -> str:
    """Return the last log line of the first container that has failed."""
    failed = filter(_has_failed, project.engine.containers())
    return next(filter(None, (_log_line(project, container) for container in failed)), "")


def _health_line(project: ComposeProject, container: Container) -> str:
    """Return what the last health check of a container has printed."""
    checks = project.engine.inspect(container.name)["State"].get("Health", {}).get("Log") or []
    output = " ".join(checks[-1]["Output"].split()) if checks else ""
    return f" Its health check: {output[:400]}" if output else ""


def _log_line(project: ComposeProject, container: Container) -> str:
    line = last_error(project.docker("logs", "--tail", "20", container.name).splitlines())
    return f" The last log line of {container.instance}: {line}" if line else ""

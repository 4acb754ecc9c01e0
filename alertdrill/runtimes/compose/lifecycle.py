"""Start and stop a stack of containers."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from itertools import count, takewhile
from typing import Any

from ...config.services import MAX_REPLICAS, SERVICES, Service, ServicesError
from .. import port_check
from ..base import ProgressCallback
from ..errors import EngineError
from . import images
from .containers import ONE_SHOT_SERVICES
from .project import ComposeProject

# All images are here by now; a slow machine takes half a minute to start everything.
TIMEOUT_S = 180
# These need the replica count of every service.
NEEDS_REPLICA_COUNTS = ("init-config", "control")
PAGE = "docs/how-to/add-a-service.md shows how to add it"


def check(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Check docker-compose.yml without starting anything."""
    project.run("config", "--quiet", profiles=["*"])
    check_services(project.model())
    on_progress("docker-compose.yml is valid")


def up(project: ComposeProject, on_progress: ProgressCallback) -> Sequence[str]:
    """Start what is not running; return a sentence for each optional component left out."""
    project.require_engine()
    with project.lock():
        is_new = not project.engine.running()
        if is_new:
            port_check.check(_published(project))
        project = project.resolve()
        model = project.model()
        check_services(model)
        availability = images.ensure_images(project, model, on_progress)
        project = project.with_variables(availability.variables)
        try:
            _start(project, on_progress)
        except BaseException:
            if is_new:
                _stop(project, on_progress)  # also on Ctrl-C: leave no partial stack
            raise
    for sentence in secret_locations():
        on_progress(sentence)
    return availability.messages


def _start(project: ComposeProject, on_progress: ProgressCallback) -> None:
    remove_misnumbered(project, on_progress)
    on_progress("starting the containers …")
    scales = project.replicas()
    try:
        _compose_up(project, [f"{service}={count}" for service, count in scales.items()])
    except EngineError as error:
        raise EngineError(f"{error}{_last_log_line(project)}") from error
    if scales != project.replicas():
        publish_replicas(project, scales)  # init-config ran again with the settings' counts
    create_standby(project)


def create_standby(project: ComposeProject) -> None:
    """Create the standby instances of every service, without starting them."""
    scales = [item for service in SERVICES for item in ("--scale", f"{service}={MAX_REPLICAS}")]
    project.run("create", "--no-recreate", "--no-build", *scales, *SERVICES)


def publish_replicas(project: ComposeProject, counts: Mapping[str, int]) -> None:
    """Write the replica counts to the volume, and Prometheus's list of targets with them."""
    variables = [
        item
        for service, count in counts.items()
        for item in ("--env", f"{service.upper().replace('-', '_')}_INSTANCES={count}")
    ]
    project.run("run", "--rm", "--no-deps", *variables, "init-config")


def secret_locations() -> Sequence[str]:
    """Return sentences that say where the random secrets are."""
    return (
        "Grafana's password for `admin`:"
        " docker compose exec grafana cat /run/secrets/grafana/password",
        "The token of /faults: docker compose exec web cat /run/secrets/faults/token",
    )


def _compose_up(project: ComposeProject, scales: Sequence[str]) -> None:
    project.run(
        *("up", "--detach", "--wait", "--wait-timeout", str(TIMEOUT_S), "--remove-orphans"),
        *("--no-build", "--pull", "never"),
        *(item for scale in scales for item in ("--scale", scale)),
    )


def _last_log_line(project: ComposeProject) -> str:
    """Return the last log line of the first container that has failed."""
    for container in project.engine.containers():
        is_starting = container.state == "created" or container.health == "starting"
        is_healthy = (
            container.health == "healthy"
            if container.pid
            else container.service in ONE_SHOT_SERVICES
        )
        if not (is_starting or is_healthy):
            lines = project.docker("logs", "--tail", "20", container.name).strip().splitlines()
            if lines:
                return f" The last log line of {container.instance}: {lines[-1][:400]}"
    return ""


def down(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove every container and network of the project; the volumes stay."""
    project.require_engine()
    with project.lock():
        _stop(project, on_progress)


def _stop(project: ComposeProject, on_progress: ProgressCallback) -> None:
    on_progress("stopping the containers …")
    # The data of an ephemeral stack is deleted too.
    volumes = ["--volumes"] if project.settings.ephemeral else []
    project.run("down", "--remove-orphans", *volumes, profiles=["*"])
    shutil.rmtree(project.folder / "scratch", ignore_errors=True)


def _published(project: ComposeProject) -> Mapping[tuple[str, int], str]:
    """Return the variable that sets each published address and port."""
    return {
        (port["host_ip"], int(port["published"])): project.port_variable(int(port["published"]))
        for service in project.model()["services"].values()
        for port in service.get("ports", ())
    }


def check_services(model: Mapping[str, Any]) -> None:
    """Raise `ServicesError` for a service that docker-compose.yml lacks or declares differently.

    `model` is the resolved file: {"services": {name: {"environment": {...}}}}.
    """
    for service in SERVICES.values():
        reason = _reason(service, model["services"])
        if reason:
            raise ServicesError(f"docker-compose.yml {reason}: {PAGE}.")


def _reason(service: Service, services: Mapping[str, Any]) -> str:
    declaration, port = services.get(service.name), str(service.port)
    if declaration is None:
        return f"has no service {service.name}, which apps/services.yml has"
    environment = declaration.get("environment", {})
    if environment.get("SERVICE") != service.name or environment.get("PORT") != port:
        return f"does not give {service.name} SERVICE={service.name} and PORT={port}"
    if "alertdrill.heal" not in declaration.get("labels", {}):
        return f"has no label alertdrill.heal for {service.name}"
    variable = f"{service.variable}_INSTANCES"
    missing = [
        name for name in NEEDS_REPLICA_COUNTS if variable not in services[name]["environment"]
    ]
    return f"does not give {variable} to {' and '.join(missing)}" if missing else ""


def remove_misnumbered(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove the standby and misnumbered instances, which Compose would keep or count from.

    Prometheus and the load balancer look for these numbers, but Compose does not keep them. If it
    replaces instances and there are more than it needs, such as standby ones, it keeps the newest;
    and a new one gets the number after the highest. So `docker compose up --build` or `docker
    compose watch` on a stack with standby instances may leave web-3 and web-4, without web-1 and
    web-2.
    """
    containers, replicas = project.engine.containers(), project.replicas()
    for service in SERVICES:
        by_number = {
            container.number: container for container in containers if container.service == service
        }
        leaving = [by_number[number] for number in misnumbered(by_number, replicas[service])]
        running = [container for container in leaving if container.pid is not None]
        if running:
            names = ", ".join(container.instance for container in running)
            on_progress(f"replacing {names}: {service} is numbered from 1 to its replica count …")
        project.engine.stop(*(container.name for container in running))
        if leaving:
            project.docker("rm", "--force", *(container.name for container in leaving))


def misnumbered(numbers: Collection[int], scale: int) -> list[int]:
    """Return the sorted numbers that are above the replica count or after a gap."""
    numbered = set(takewhile(lambda number: number in numbers and number <= scale, count(1)))
    return sorted(set(numbers) - numbered)

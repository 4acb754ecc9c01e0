"""Scale a service of containers: start standby instances, or drain and stop some.

The load balancer and Prometheus find running instances by name. A leaving instance reports that
it is not ready, and waits until both have noticed, so that no request is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...config.services import MAX_REPLICAS, SERVICES
from ..base import ProgressCallback
from .docker_client import Container
from .project import ComposeProject


def start_replicas(project: ComposeProject, service: str, count: int) -> Sequence[str]:
    """Start standby instances up to `count`; return the names of the new instances."""
    if count > len(_containers(project, service)):
        create_standby(project)
    previous = project.replicas.all()[service]
    new = [
        container
        for container in _containers(project, service)
        if previous < container.number <= count
    ]
    for container in new:
        project.engine.start(container.name)
    return [container.instance for container in new]


def stop_replicas(
    project: ComposeProject, service: str, count: int, on_progress: ProgressCallback
) -> None:
    """Stop the instances above `count`, and publish the new replica count."""
    counts = project.replicas.all()
    previous = counts[service]
    # Before any instance leaves, so that no alert fires for a planned exit.
    publish_replicas(project, {**counts, service: count})
    leaving = [
        container
        for container in _containers(project, service)
        if container.number > count and container.pid is not None
    ]
    project.engine.stop(*(container.name for container in leaving))
    for number in range(previous + 1, count + 1):
        on_progress(f"{service}-{number} is ready")
    for container in leaving:
        on_progress(f"{container.instance} is on standby")


def _containers(project: ComposeProject, service: str) -> Sequence[Container]:
    return [container for container in project.engine.containers() if container.service == service]


def create_standby(project: ComposeProject) -> None:
    """Create the standby instances of every service, without starting them."""
    scales = [item for service in SERVICES for item in ("--scale", f"{service}={MAX_REPLICAS}")]
    project.cli.run("create", "--no-recreate", "--no-build", *scales, *SERVICES)


def publish_replicas(project: ComposeProject, counts: Mapping[str, int]) -> None:
    """Write the replica counts to the volume, and Prometheus's list of targets with them."""
    variables = [
        item
        for service, count in counts.items()
        for item in ("--env", f"{service.upper().replace('-', '_')}_INSTANCES={count}")
    ]
    project.cli.run("run", "--rm", "--no-deps", *variables, "init-config")

"""Scale a service of containers: start standby instances, or drain and stop some.
The load balancer and Prometheus find running instances by name. A leaving instance reports that
it is not ready, and waits until both have noticed, so that no request is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base import ProgressCallback
from . import lifecycle
from .engine import Container
from .project import ComposeProject
from .waiting import in_parallel


def start_replicas(project: ComposeProject, service: str, count: int) -> Sequence[str]:
    """Start standby instances up to `count`; return the names of the new instances."""
    if count > len(_containers(project, service)):
        lifecycle.create_standby(project)
    before = project.replicas.all()[service]
    fresh = [one for one in _containers(project, service) if before < one.number <= count]
    for one in fresh:
        project.engine.start(one.name)
    return [one.instance for one in fresh]


def stop_replicas(
    project: ComposeProject, service: str, count: int, on_progress: ProgressCallback
) -> None:
    """Stop the instances above `count`, and publish the new replica count."""
    scales = project.replicas.all()
    before = scales[service]
    # Before any instance leaves, so that no alert fires for a planned exit.
    publish_replicas(project, {**scales, service: count})
    leaving = [
        one for one in _containers(project, service) if one.number > count and one.pid is not None
    ]
    in_parallel(project.engine.stop, [one.name for one in leaving])
    for number in range(before + 1, count + 1):
        on_progress(f"{service}-{number} is ready")
    for one in leaving:
        on_progress(f"{one.instance} is on standby")


def _containers(project: ComposeProject, service: str) -> Sequence[Container]:
    return [one for one in project.engine.containers() if one.service == service]


def publish_replicas(project: ComposeProject, scales: Mapping[str, int]) -> None:
    """Write the replica counts to the volume, and Prometheus's list of targets with them."""
    variables = [
        item
        for service, count in scales.items()
        for item in ("--env", f"{service.upper().replace('-', '_')}_INSTANCES={count}")
    ]
    project.cli.run("run", "--rm", "--no-deps", *variables, "init-config")

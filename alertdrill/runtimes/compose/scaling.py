"""Scale a service of containers: start standby instances, or let some drain and stand by.

Both the load balancer and Prometheus find by name what runs. A leaving instance says that it is
not ready, and waits for both to notice, before it ends: no request is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base import ProgressCallback
from . import lifecycle
from .engine import Container
from .project import ComposeProject
from .waiting import in_parallel


def start_replicas(project: ComposeProject, service: str, count: int) -> Sequence[str]:
    """Start what stands by, up to `count`; return the instances that are to serve now."""
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
    """Let what is beyond `count` stand by, and have Prometheus expect the rest."""
    scales = project.replicas.all()
    before = scales[service]
    # Before anybody leaves, so that nobody misses who leaves on purpose.
    publish_replicas(project, {**scales, service: count})
    leaving = [
        one for one in _containers(project, service) if one.number > count and one.pid is not None
    ]
    in_parallel(project.engine.stop, [one.name for one in leaving])
    for number in range(before + 1, count + 1):
        on_progress(f"{service}-{number} serves")
    for one in leaving:
        on_progress(f"{one.instance} stands by")


def _containers(project: ComposeProject, service: str) -> Sequence[Container]:
    return [one for one in project.engine.containers() if one.service == service]


def publish_replicas(project: ComposeProject, scales: Mapping[str, int]) -> None:
    """Have everybody know that there are this many of each service, Prometheus's list too."""
    variables = [
        item
        for service, count in scales.items()
        for item in ("--env", f"{service.upper().replace('-', '_')}_INSTANCES={count}")
    ]
    project.cli.run("run", "--rm", "--no-deps", *variables, "init-config")

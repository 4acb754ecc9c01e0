"""Keep the instances of a service numbered from 1 to its replica count.

Prometheus and the load balancer look for these numbers, but Compose does not keep them. If it
replaces instances and there are more than it needs, such as standby ones, it keeps the newest;
and a new one gets the number after the highest. So `docker compose up --build` or `docker
compose watch` on a stack with standby instances may leave web-3 and web-4, without web-1 and web-2.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count, takewhile

from ...config.services import SERVICES
from ..base import ProgressCallback
from .project import ComposeProject
from .waiting import in_parallel


def remove_misnumbered(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove the standby and misnumbered instances, which Compose would keep or count from."""
    containers = project.engine.containers()
    for service in SERVICES:
        by_number = {
            container.number: container for container in containers if container.service == service
        }
        leaving = [
            by_number[number] for number in misnumbered(by_number, project.replicas.get(service))
        ]
        running = [container for container in leaving if container.pid is not None]
        if running:
            names = ", ".join(container.instance for container in running)
            on_progress(f"replacing {names}: {service} is numbered from 1 to its replica count …")
        in_parallel(project.engine.stop, [container.name for container in running])
        if leaving:
            project.cli.docker("rm", "--force", *(container.name for container in leaving))


def misnumbered(numbers: Collection[int], scale: int) -> list[int]:
    """Return the sorted numbers that are above the replica count or after a gap."""
    numbered = set(takewhile(lambda number: number in numbers and number <= scale, count(1)))
    return sorted(set(numbers) - numbered)

"""Keep the instances of a service numbered from 1 to its replica count.
Prometheus and the load balancer look for these numbers, but Compose does not keep them. If it
replaces instances and there are more than it needs, such as standby ones, it keeps the newest;
and a new one gets the number after the highest. So `docker compose up --build` or `docker
compose watch` on a stack with standby instances may leave web-3 and web-4, without web-1 and web-2.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count, takewhile

from ...settings import SERVICES
from ..base import ProgressCallback
from .project import ComposeProject
from .waiting import in_parallel


def remove_misnumbered(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove the standby and misnumbered instances, which Compose would keep or count from."""
    found = project.engine.containers()
    for service in SERVICES:
        own = {one.number: one for one in found if one.service == service}
        leaving = [own[number] for number in misnumbered(own, project.replicas.get(service))]
        serving = [one for one in leaving if one.pid is not None]
        if serving:
            names = ", ".join(one.instance for one in serving)
            on_progress(f"replacing {names}: {service} is numbered from 1 to its replica count …")
        in_parallel(project.engine.stop, [one.name for one in serving])
        if leaving:
            project.cli.docker("rm", "--force", *(one.name for one in leaving))


def misnumbered(numbers: Collection[int], scale: int) -> list[int]:
    """Return the sorted numbers that are above the replica count or after a gap."""
    kept = set(takewhile(lambda number: number in numbers and number <= scale, count(1)))
    return sorted(set(numbers) - kept)

"""Keep the instances of a service numbered from 1 to its scale, as everybody looks for them.

Compose numbers otherwise. Where it replaces instances and there are more than it wants, as with
standby ones, it keeps the newest; and a new one gets the number after the highest. Whoever runs
`docker compose up --build` or `docker compose watch` on a stack with standby instances can so end
up with web-3 and web-4, while Prometheus misses web-1 and web-2.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count, takewhile

from ...settings import SERVICES
from ..base import ProgressCallback
from .project import ComposeProject
from .waiting import in_parallel


def remove_misnumbered(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove every instance that would lead Compose astray: standby ones, and misnumbered ones."""
    found = project.engine.containers()
    for service in SERVICES:
        own = {one.number: one for one in found if one.service == service}
        leaving = [own[number] for number in misnumbered(own, project.replicas.get(service))]
        serving = [one for one in leaving if one.pid is not None]
        if serving:
            names = ", ".join(one.instance for one in serving)
            on_progress(f"{names}: replaced, since {service} is numbered from 1 to its scale …")
        in_parallel(project.engine.stop, [one.name for one in serving])
        if leaving:
            project.cli.docker("rm", "--force", *(one.name for one in leaving))


def misnumbered(numbers: Collection[int], scale: int) -> list[int]:
    """Return the numbers that are beyond the scale or after a gap, in their order."""
    kept = set(takewhile(lambda number: number in numbers and number <= scale, count(1)))
    return sorted(set(numbers) - kept)

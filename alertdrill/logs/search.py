"""Search log lines in Loki if it and the collector run, otherwise in the log files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..clients.http import UnreachableError
from ..clients.loki import Loki
from ..errors import AlertdrillError
from ..runtimes.base import Instance, StackRuntime
from .query import Query
from .record import LogRecord
from .sources import LokiSource, read_files

Origin = Literal["auto", "loki", "files"]

# The collector does not send its own lines: its errors about lines would create more lines.
NOT_CARRIED = "collector"
# The services that Loki needs here, with their names in messages.
LOKI_SERVICES = {"loki": "Loki", "collector": "the collector"}


@dataclass(frozen=True)
class Search:
    """A search: the last `lines` matching lines (None is all), then new ones if `follow`."""

    query: Query
    target: str | None = None
    lines: int | None = None
    follow: bool = False
    origin: Origin = "auto"


def build_logql(runtime: StackRuntime, search: Search) -> str:
    """Return the search as LogQL."""
    return search.query.logql(target_labels(runtime.status(), search.target))


def search_logs(
    runtime: StackRuntime, search: Search, say: Callable[[str], None]
) -> Iterator[Iterable[LogRecord]]:
    """Yield groups of records in order; `say` gets the source once.

    If Loki does not respond, the files are read. Raises `AlertdrillError`.
    """
    target, lines = search.target, search.lines
    instances = runtime.status() if search.origin != "files" else []
    why = reason_for_files(instances, target) if search.origin != "files" else "as requested"
    if why is None:
        loki, labels = Loki(runtime.address("loki")), target_labels(instances, target)
        source = LokiSource(loki, search.query, labels, say)
        groups = source.follow(lines) if search.follow else source.read(lines)
        try:
            # An error shows with the first group; after it the source is not changed.
            first = next(groups, ())
        except UnreachableError as error:
            if search.origin == "loki":
                raise
            say(str(error))
            why = "Loki does not respond"
        else:
            say("from Loki")
            yield first
            yield from groups
            return
    if search.origin == "loki":
        raise AlertdrillError(f"cannot search Loki: {why}")
    groups = read_files(runtime, target, search.query, lines, follow=search.follow)
    first = next(groups)
    say(f"from the log files: {why}")
    yield first
    yield from groups


def reason_for_files(instances: Sequence[Instance], target: str | None) -> str | None:
    """Return why the files are used for a target; None if Loki can be used."""
    for service, title in LOKI_SERVICES.items():
        states = {instance.state for instance in instances if instance.service == service}
        if states <= {"stopped", "standby"}:
            return f"{title} is not running"
        if "ready" not in states:
            return f"{title} is {min(states)}"
    services = {
        instance.service for instance in instances if target in (instance.name, instance.service)
    }
    if services == {NOT_CARRIED}:
        return "the collector does not send its own lines to Loki"
    return None if target is None or services else f"{target} is not running"


def target_labels(instances: Sequence[Instance], target: str | None) -> Mapping[str, str]:
    """Return the label of a target; none if there is no target or it is unknown."""
    for instance in instances:
        for label, name in (("instance", instance.name), ("service", instance.service)):
            if name == target:
                return {label: name}
    return {}

"""One search: Loki is asked where it and the collector run, the log files otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, Protocol

from ..errors import AlertdrillError
from ..loki_client import LokiClient, LokiError
from ..runtimes import Runtime
from .choose import whose, why_files
from .entry import Entry
from .files import Files
from .query import Query
from .store import Store

Origin = Literal["auto", "loki", "files"]


class Source(Protocol):
    """What can be asked for lines."""

    def last(self, query: Query, lines: int | None) -> Iterable[Entry]:
        """Return the last `lines` lines that pass, or all, in order."""
        ...

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[Entry]]:
        """Yield the last lines that pass, then what is added; each time in order."""
        ...


@dataclass(frozen=True)
class Search:
    """What is looked for: the last `lines` lines that pass, all where it is None; then new ones."""

    query: Query
    target: str | None = None
    lines: int | None = None
    follow: bool = False
    origin: Origin = "auto"


def logql(runtime: Runtime, search: Search) -> str:
    """Return the search as Loki is asked for it."""
    return replace(search.query, whose=whose(runtime.status(), search.target)).logql()


def found(
    runtime: Runtime, search: Search, say: Callable[[str], None]
) -> Iterator[Iterable[Entry]]:
    """Yield groups of lines in order; `say` hears once where they are from.

    Where Loki does not answer, the files do. Raises `AlertdrillError`.
    """
    instances = runtime.status() if search.origin != "files" else []
    why = why_files(instances, search.target) if search.origin != "files" else "as asked"
    if why is None:
        query = replace(search.query, whose=whose(instances, search.target))
        groups = _groups(
            Store(LokiClient(runtime.address("loki")), say), replace(search, query=query)
        )
        try:
            first = next(groups)
        except LokiError as error:
            if search.origin == "loki":
                raise
            say(str(error))
            why = "Loki does not answer"
        else:
            say("from Loki")
            yield first
            yield from groups
            return
    if search.origin == "loki":
        raise AlertdrillError(f"Loki can't be asked: {why}.")
    groups = _groups(Files(runtime, search.target), search)
    first = next(groups)
    say(f"from the log files: {why}")
    yield first
    yield from groups


def _groups(source: Source, search: Search) -> Iterator[Iterable[Entry]]:
    if search.follow:
        yield from source.follow(search.query, search.lines)
        return
    entries = iter(source.last(search.query, search.lines))
    # What goes wrong does so with the first: from then on, nobody else is asked.
    yield list(islice(entries, 1))
    yield entries

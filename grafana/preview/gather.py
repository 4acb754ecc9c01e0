"""What a dashboard shows as it opens: its panels with the answers to their queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..proof.answer import Answer
from ..proof.asker import Asker
from ..proof.asks import Asked, Moment, panel_asks
from ..proof.choose import Wish, pick
from ..proof.dashboard import Dashboard, Panel
from ..proof.errors import AwayError, ProofError
from ..proof.options import Surroundings
from ..proof.span import Span, span
from ..proof.steps import Width, prometheus

EMPTY: Answer = Answer()


@dataclass(frozen=True)
class Told:
    """One query of a panel, and its answer; `problem` is why there is none."""

    asked: Asked
    answer: Answer
    problem: str = ""


@dataclass(frozen=True)
class Shown:
    """A panel as it is seen."""

    panel: Panel
    title: str
    told: Sequence[Told]
    span: Span

    @property
    def problem(self) -> str:
        """The first problem of its queries, if any."""
        return next((one.problem for one in self.told if one.problem), "")

    @property
    def empty(self) -> bool:
        """Whether none of its queries has data."""
        return all(one.answer.empty for one in self.told)


@dataclass(frozen=True)
class Page:
    """A dashboard as it opens, with what is chosen of each variable, in words."""

    dashboard: Dashboard
    chosen: Mapping[str, str]
    shown: Sequence[Shown]
    span: Span


def gather(dashboard: Dashboard, asker: Asker, now: int, last: str = "") -> Page:
    """Ask all that a dashboard asks as it opens, or of the `last` time; now in ms.

    Raises `AwayError` where Prometheus does not answer.
    """
    times = dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
    begin = f"now-{last}" if last else times["from"]
    opened = replace(dashboard, raw={**dashboard.raw, "time": {**times, "from": begin}})
    whole = span(begin, times["to"], now)
    _, own = prometheus(Width(whole, 5000, 0, 1000))
    picked = pick(opened, Wish("default"), Surroundings(asker.sources, whole, own))
    moment = Moment(picked.choice, asker.sources, now)
    shown = [_shown(opened, panel, moment, asker) for panel in opened.panels]
    chosen = {
        name: "All" if one.is_all else ", ".join(one.values) for name, one in picked.choice.items()
    }
    return Page(opened, chosen, shown, whole)


def _shown(dashboard: Dashboard, panel: Panel, moment: Moment, asker: Asker) -> Shown:
    found = panel_asks(dashboard, panel, moment)
    asked = list(_first_of_each(one for one in found if one.query.kind != "exemplars"))
    told = [_told(one, asker) for one in asked]
    times = dashboard.raw["time"]
    seen = next((one.ask.span for one in asked if one.ask), None)
    title = asked[0].title if asked else panel.title
    return Shown(panel, title, told, seen or span(times["from"], times["to"], moment.now))


def _first_of_each(asked: Iterator[Asked]) -> Iterator[Asked]:
    """Yield the queries of the first of a repeated panel: the others look alike."""
    seen = set()
    for one in asked:
        if one.query not in seen:
            seen.add(one.query)
            yield one


def _told(asked: Asked, asker: Asker) -> Told:
    if asked.ask is None:
        return Told(asked, EMPTY, asked.problem)
    try:
        return Told(asked, asker.answer(asked.ask))
    except AwayError:
        raise
    except ProofError as error:
        return Told(asked, EMPTY, str(error))

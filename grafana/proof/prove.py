"""Prove dashboards: ask all that they ask, with every choice, and judge the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .asker import Asker
from .asks import Asked, Moment, Query, asks
from .choose import Broken, Mode, Wish, pick, wishes
from .cost import Age
from .dashboard import Dashboard, Source, Target
from .excused import Excuse, excuse
from .judge import ORDER, State, Verdict, judge
from .options import Surroundings
from .span import span
from .steps import Width, prometheus

# A variable's query is shown with the source that the variable names.
_NOWHERE = Source("", "")
# Turns of a choice: in each, the worst of what a query became, for a repeated panel is many.
Turns = dict[int, tuple[Verdict, Asked]]


@dataclass(frozen=True)
class Outcome:
    """How a query did with a mode of choosing, shown by one of the times that it was asked."""

    mode: Mode
    asked: Asked
    verdict: Verdict
    excuse: Excuse | None = None
    # For how many values of the variable there was nothing, where others had something.
    gaps: int = 0
    variable: str = ""

    @property
    def failed(self) -> bool:
        """Whether somebody must look."""
        if self.verdict.state == "empty":
            return self.excuse is None and self.asked.query.ref != "annotation"
        return self.verdict.state in ("costly", "error")


@dataclass
class Proof:
    """What came of all of it."""

    dashboards: Sequence[Dashboard]
    outcomes: list[Outcome] = field(default_factory=list)
    sent: int = 0

    @property
    def failures(self) -> Sequence[Outcome]:
        """Return what failed, each query once."""
        found = {one.asked.query: one for one in reversed(self.outcomes) if one.failed}
        return list(reversed(found.values()))


@dataclass(frozen=True)
class Rules:
    """What is empty by design, and what variables have in any case."""

    excuses: Sequence[Excuse] = ()
    given: Mapping[str, str] = field(default_factory=dict)


def prove(dashboards: Sequence[Dashboard], asker: Asker, now: int, rules: Rules) -> Proof:
    """Ask everything as of `now` (ms); raise `AwayError` where Prometheus does not answer."""
    age = asker.age(now)
    proof = Proof(dashboards)
    for dashboard in dashboards:
        proof.outcomes += _outcomes(dashboard, _Judge(asker, now, age), rules)
    proof.sent = asker.sent
    return proof


@dataclass(frozen=True)
class _Judge:
    asker: Asker
    now: int
    age: Age

    def around(self, dashboard: Dashboard) -> Surroundings:
        """Return what a dashboard's variables are asked with."""
        times = dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
        shown = span(times["from"], times["to"], self.now)
        _, own = prometheus(Width(shown, 5000, 0, 1000))
        return Surroundings(self.asker.sources, shown, own)


def _outcomes(dashboard: Dashboard, judging: _Judge, rules: Rules) -> Iterator[Outcome]:
    found: dict[tuple[Mode, str, Query], Turns] = defaultdict(dict)
    around = judging.around(dashboard)
    counts = pick(dashboard, Wish("all", given=rules.given), around).counts
    for wish in wishes(dashboard, counts, rules.given):
        picked = pick(dashboard, wish, around)
        moment = Moment(picked.choice, judging.asker.sources, judging.now)
        all_asked = [*_broken(dashboard, picked.broken), *asks(dashboard, moment)]
        for asked in all_asked:
            verdict = judge(asked, judging.asker, judging.age)
            _note(found[wish.mode, wish.variable, asked.query], wish.turn, (verdict, asked))
    for (mode, variable, query), turns in found.items():
        yield replace(_outcome(mode, turns, excuse(query, rules.excuses)), variable=variable)


def _broken(dashboard: Dashboard, broken: Sequence[Broken]) -> Iterator[Asked]:
    """Yield the variables that can't be filled, as if they were queries of a panel."""
    for one in broken:
        query = Query(dashboard.uid, f"variable {one.variable.name}", "variable", "variable")
        target = Target("variable", str(one.variable.query), _NOWHERE, one.variable.raw)
        yield Asked(query, target, None, query.panel, one.why, one.skipped)


def _note(turns: Turns, turn: int, new: tuple[Verdict, Asked]) -> None:
    old = turns.get(turn)
    if old is None or _badness(new[0].state) > _badness(old[0].state):
        turns[turn] = new


def _badness(state: State) -> int:
    return ORDER.index(state)


def _outcome(mode: Mode, turns: Turns, excused: Excuse | None) -> Outcome:
    """Return the outcome: an error or a cost of any turn counts, emptiness only of all."""
    worst = max(turns.values(), key=lambda one: _badness(one[0].state))
    if worst[0].state in ("costly", "error"):
        return Outcome(mode, worst[1], worst[0], excused)
    best = min(turns.values(), key=lambda one: _badness(one[0].state))
    gaps = sum(verdict.state == "empty" for verdict, _ in turns.values())
    return Outcome(mode, best[1], best[0], excused, gaps if best[0].state == "fine" else 0)

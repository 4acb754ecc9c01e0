"""What a person might choose of a dashboard's variables: what it opens with, All, one, several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .dashboard import Dashboard, Variable
from .errors import ProofError
from .fill import Choice, Chosen
from .options import SkippedError, Surroundings, options

Mode = Literal["default", "all", "one", "several"]
MODES: Sequence[Mode] = ("all", "one", "several")
# Each value in turn; beyond this many, those that are left are like those that were.
MOST = 6
# Kinds that nobody chooses of.
GIVEN = ("textbox", "constant")


@dataclass(frozen=True)
class Wish:
    """How to choose: of one `variable` a value or several, of the others All.

    It is the `turn`-th value where it is one, that and the next where it is several. `given` is
    what a variable has in any case, as if typed in.
    """

    mode: Mode
    variable: str = ""
    turn: int = 0
    given: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Broken:
    """A variable that can't be filled, and why. A `skipped` one only misses its data source."""

    variable: Variable
    why: str
    skipped: bool = False


@dataclass(frozen=True)
class Picked:
    """What was chosen of each variable, how many values there were to choose of, what failed."""

    choice: Choice
    counts: Mapping[str, int]
    broken: Sequence[Broken]


def pick(dashboard: Dashboard, wish: Wish, around: Surroundings) -> Picked:
    """Choose of each variable in order, so that one may ask with those before it."""
    choice: dict[str, Chosen] = {}
    broken: list[Broken] = []
    counts: dict[str, int] = {}
    for variable in dashboard.variables:
        try:
            found = _options(variable, wish, choice, around)
        except ProofError as error:
            broken.append(Broken(variable, str(error), isinstance(error, SkippedError)))
            choice[variable.name] = Chosen(variable, [])
            continue
        choice[variable.name] = _chosen(variable, found, wish)
        if _can_be_chosen(variable, found, wish):
            counts[variable.name] = len(found)
    return Picked(choice, counts, broken)


def _can_be_chosen(variable: Variable, found: Sequence[str], wish: Wish) -> bool:
    """Tell whether there is another choice than All; that of one value is written differently."""
    is_set = variable.kind in GIVEN or variable.name in (wish.given or {})
    return not is_set and (variable.several or len(found) > 1)


def _options(variable: Variable, wish: Wish, choice: Choice, around: Surroundings) -> Sequence[str]:
    typed = (wish.given or {}).get(variable.name)
    return [typed] if typed is not None else options(variable, choice, around)


def _chosen(variable: Variable, found: Sequence[str], wish: Wish) -> Chosen:
    if variable.kind in GIVEN or variable.name in (wish.given or {}):
        return Chosen(variable, found)
    if wish.mode == "default":
        return _opened_with(variable, found)
    if wish.variable != variable.name:
        return _all(variable, found)
    one = found[wish.turn % len(found)]
    if wish.mode == "several" and variable.multi:
        return Chosen(variable, list(dict.fromkeys([one, found[(wish.turn + 1) % len(found)]])))
    return Chosen(variable, [one])


def _all(variable: Variable, found: Sequence[str]) -> Chosen:
    if variable.include_all:
        return Chosen(variable, found, is_all=True)
    return Chosen(variable, found) if variable.multi else _opened_with(variable, found)


def _opened_with(variable: Variable, found: Sequence[str]) -> Chosen:
    """Return what the document has as current, if it still is a value; else All, or the first."""
    current = variable.raw.get("current", {}).get("value")
    listed = current if isinstance(current, list) else [current]
    kept = [one for one in listed if one in found]
    if kept:
        return Chosen(variable, kept)
    if variable.include_all:
        return Chosen(variable, found, is_all=True)
    return Chosen(variable, found[:1])


def wishes(
    dashboard: Dashboard, counts: Mapping[str, int], given: Mapping[str, str]
) -> Iterator[Wish]:
    """Yield how to choose: All, then of one variable after the other each value in its turn."""
    yield Wish("all", given=given)
    several = {one.name for one in dashboard.variables if one.multi}
    for name, count in counts.items():
        for turn in range(min(count, MOST)):
            yield Wish("one", name, turn, given)
            if name in several:
                yield Wish("several", name, turn, given)

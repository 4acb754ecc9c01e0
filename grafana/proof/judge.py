"""Judge one query by its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import cost
from .asker import Asker
from .asks import Ask, Asked
from .cost import Age
from .errors import ProofError

State = Literal["fine", "empty", "skipped", "costly", "error"]
# The worse ones last.
ORDER: tuple[State, ...] = ("fine", "skipped", "empty", "costly", "error")


@dataclass(frozen=True)
class Verdict:
    """How a query did, and what there is to say of it."""

    state: State
    said: str = ""


def judge(asked: Asked, asker: Asker, age: Age) -> Verdict:
    """Return the verdict on a query; an empty answer is one, whoever may excuse it."""
    if asked.ask is None:
        return Verdict("skipped" if asked.skipped else "error", asked.problem)
    try:
        answer = asker.answer(asked.ask)
        complaint = _cost(asked.ask, asker, age)
    except ProofError as error:
        return Verdict("error", str(error))
    if complaint:
        return Verdict("costly", complaint)
    return Verdict("empty", "It has no data.") if answer.empty else Verdict("fine")


def _cost(ask: Ask, asker: Asker, age: Age) -> str:
    answer = asker.answer(ask)
    if ask.kind == "exemplars":
        return cost.complaint(answer, 0, 0)
    if ask.source == "loki":
        return cost.complaint(answer, 0, cost.size(ask, answer, age))
    return cost.complaint(answer, cost.samples(ask, asker.last(ask), age), 0)

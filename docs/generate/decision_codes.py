"""The codes of the responder's decisions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from alerting.responder.healing.planner import (
    ACTION_GUARDS,
    APPROVED,
    BUDGET_EXHAUSTED,
    CODES,
    COMMON_GUARDS,
    CONTROL_API_UNAVAILABLE,
    MANUAL,
)

from .errors import GenerateError
from .markdown import code, codes, document, table

ALL = "all"
# The codes that no guard has.
OTHERS = {
    APPROVED: ("all", "The responder acts."),
    MANUAL: ("none", "The policy leaves the alert to people."),
    BUDGET_EXHAUSTED: (
        "`restart`, `scale_out`",
        "The budget of actions is exhausted; the circuit opens.",
    ),
    CONTROL_API_UNAVAILABLE: (
        "all",
        "The control API does not answer, so the state of the instances is unknown.",
    ),
}


def page() -> str:
    """Return the page."""
    rows = list(_rows())
    missing = set(CODES) - {name.strip("`") for name, _, _ in rows}
    if missing:
        raise GenerateError(f"No description for the decision codes {sorted(missing)}.")
    return document(
        "Decision codes",
        "The responder records each decision with one of these codes: on its page `/healing`, in"
        " `/decisions`, in its log and in the metric `responder_decisions_total`."
        " [Healing](../explanation/healing.md) explains the guards.",
        table(("Code", "Actions", "Meaning"), rows),
    )


def _rows() -> Iterator[Sequence[str]]:
    for name, (actions, meaning) in OTHERS.items():
        yield code(name), actions, meaning
    guards = dict.fromkeys(COMMON_GUARDS, ALL)
    for guard in dict.fromkeys(guard for checks in ACTION_GUARDS.values() for guard in checks):
        kinds = [kind for kind, checks in ACTION_GUARDS.items() if guard in checks]
        guards[guard] = codes(kinds)
    for guard, actions in guards.items():
        lines = (inspect.getdoc(guard) or "").splitlines()
        yield code(guard.__name__), actions, lines[0] if lines else ""

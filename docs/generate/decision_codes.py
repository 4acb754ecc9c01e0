"""The codes of the responder's decisions."""

from __future__ import annotations

from alerting.responder.healing.planner import CODES

from .markdown import code, document, table


def page() -> str:
    """Return the page."""
    return document(
        "Decision codes",
        "The responder records each decision with one of these codes: on its page `/healing`, in"
        " `/decisions`, in its log and in the metric `responder_decisions_total`."
        " [Healing](../explanation/healing.md) explains the guards.",
        table(("Code", "Meaning"), ((code(name), meaning) for name, meaning in CODES.items())),
    )

"""Who healed what a drill broke, in words."""

from __future__ import annotations

from collections import Counter

from ..drill import ACTIONS, healer
from ..outcome import Outcome
from .formats import TIMES


def healed_by(found: Outcome) -> str:
    """Return who healed and what the responder did; nothing where neither was expected or seen."""
    if found.injected is None or (found.heal == "none" and not found.actions):
        return ""
    counted = Counter(found.actions)
    acted = ", ".join(what + (f" {TIMES}{n}" if n > 1 else "") for what, n in counted.items())
    who = healer(found.heal) if "healed" in found.times else "nobody"
    if who != "nobody" and found.heal in ACTIONS:
        return f"{who}: {acted}"
    return f"{who}; the responder did {acted or 'nothing'}"

"""Whom the responder may touch in a drill: who was struck, and nobody else. Pure."""

from __future__ import annotations

from .drill import FaultSpec
from .journal import Acted
from .kinds import KINDS

# Who waits for a slow service is full too, and may be scaled.
WAITS_FOR = {"web": "data-service"}
# Faults that keep an instance from serving, or end it; after any other a restart is a mistake.
TAKE_DOWN = ("stop", "kill", "pause", "crash_loop", "hang", "crash", "unready", "memory")


def may(fault: FaultSpec, action: Acted) -> bool:
    """Tell whether an action is about what the fault struck.

    A fault of the whole host may saturate any service, so any may be scaled.
    """
    struck = fault.target.rstrip("0123456789").rstrip("-")
    if action.kind != "restart":
        own = struck in (action.service, WAITS_FOR.get(action.service))
        return KINDS[fault.kind].on == "nothing" or own
    return fault.kind in TAKE_DOWN and fault.target in (action.target, action.service)

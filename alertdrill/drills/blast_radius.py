"""Which targets the responder may act on in a drill: only those that the fault affects. Pure."""

from __future__ import annotations

from .fault_kinds import KINDS
from .model import FaultSpec
from .responder import PerformedAction

# A service that waits for a slow one saturates too, and may be scaled.
WAITS_FOR = {"web": "data-service"}
# Faults that take an instance out of service; after any other, a restart is a mistake.
TAKE_DOWN = ("stop", "kill", "pause", "crash_loop", "hang", "crash", "unready", "memory")


def contains(fault: FaultSpec, action: PerformedAction) -> bool:
    """Return whether an action's target is one that the fault affects.

    A fault of the whole host may saturate any service, so any may be scaled.
    """
    service = fault.target.rstrip("0123456789").rstrip("-")
    if action.kind != "restart":
        affected = service in (action.service, WAITS_FOR.get(action.service))
        return KINDS[fault.kind].scope == "none" or affected
    return fault.kind in TAKE_DOWN and fault.target in (action.target, action.service)

"""What a stack lacks, so that some drills can't be run on it."""

from __future__ import annotations

from collections.abc import Collection

from ..runtimes import Runtime
from . import rules
from .drill import Drill

# What carries log lines and what keeps them; either is of no use without the other.
LOGS = ("collector", "loki")


def services(runtime: Runtime) -> set[str]:
    """Return what there is in a stack, whether it runs at the moment or not."""
    return {one.service for one in runtime.status()}


def log_store(runtime: Runtime, there: Collection[str]) -> str | None:
    """Return where to ask for log lines, None unless they are both collected and kept."""
    return runtime.address("loki") if set(LOGS) <= set(there) else None


def reason(drill: Drill, there: Collection[str]) -> str:
    """Return in a sentence why a drill can't be run where there is only this, else nothing."""
    missing = [name for name in LOGS if name not in there]
    if not missing or not _about_logs(drill):
        return ""
    return f"This stack has no {' and no '.join(missing)}, which {drill.alert} is about."


def _about_logs(drill: Drill) -> bool:
    named = (drill.fault.target.rpartition("-")[0] or drill.fault.target, drill.fault.part)
    return drill.alert in rules.within(rules.OF_LOKI) or any(name in LOGS for name in named)

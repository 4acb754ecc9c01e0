"""Where to look: in Loki where it and the collector run, in the log files otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..runtimes import Instance

# Whose lines the collector does not carry: its complaints about lines would become lines.
NOT_CARRIED = "collector"
# What carries lines and keeps them, and how a sentence calls it.
LOKI_SERVICES = {"loki": "Loki", "collector": "the collector"}


def reason_for_files(found: Sequence[Instance], target: str | None) -> str | None:
    """Return why Loki can't be asked for a target's lines, or None if it can."""
    for service, title in LOKI_SERVICES.items():
        states = {instance.state for instance in found if instance.service == service}
        if states <= {"stopped", "standby"}:
            return f"{title} does not run here"
        if "ready" not in states:
            return f"{title} is {min(states)}"
    services = {one.service for one in found if target in (one.name, one.service)}
    if services == {NOT_CARRIED}:
        return "the collector does not carry its own lines"
    return None if target is None or services else f"{target} does not run"


def target_labels(found: Sequence[Instance], target: str | None) -> Mapping[str, str]:
    """Return the label that a target means; none where it is everything, or unknown."""
    if target is None:
        return {}
    if any(instance.name == target for instance in found):
        return {"instance": target}
    return {"service": target} if any(one.service == target for one in found) else {}

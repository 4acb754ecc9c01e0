"""Select the source: Loki if it and the collector run, otherwise the log files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..runtimes import Instance

# The collector does not send its own lines: its errors about lines would create more lines.
NOT_CARRIED = "collector"
# The services that Loki needs here, with their names in messages.
LOKI_SERVICES = {"loki": "Loki", "collector": "the collector"}


def reason_for_files(found: Sequence[Instance], target: str | None) -> str | None:
    """Return why the files are used for a target; None if Loki can be used."""
    for service, title in LOKI_SERVICES.items():
        states = {instance.state for instance in found if instance.service == service}
        if states <= {"stopped", "standby"}:
            return f"{title} is not running"
        if "ready" not in states:
            return f"{title} is {min(states)}"
    services = {one.service for one in found if target in (one.name, one.service)}
    if services == {NOT_CARRIED}:
        return "the collector does not send its own lines to Loki"
    return None if target is None or services else f"{target} is not running"


def target_labels(found: Sequence[Instance], target: str | None) -> Mapping[str, str]:
    """Return the label of a target; none if there is no target or it is unknown."""
    if target is None:
        return {}
    if any(instance.name == target for instance in found):
        return {"instance": target}
    return {"service": target} if any(one.service == target for one in found) else {}

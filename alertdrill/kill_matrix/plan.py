"""The rows of the kill matrix: each component, one copy and all copies, and each fault. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..config.services import SERVICES, all_components
from ..drills.undo import UndoStep
from ..errors import AlertdrillError
from ..runtimes.base import Instance

FaultName = Literal["kill", "stop", "pause"]
FAULTS: Sequence[FaultName] = get_args(FaultName)


@dataclass(frozen=True)
class Row:
    """A fault of `copies` of the `total` instances of a component.

    `target` is the component, or one of its instances; `instances` are the names of those that the
    fault affects. The supervisor of the stack has no instances.
    """

    component: str
    target: str
    fault: FaultName
    copies: int = 1
    total: int = 1
    instances: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the row as text."""
        return f"{self.fault} {self.target}"

    @property
    def is_supervisor(self) -> bool:
        """Return whether the fault affects the supervisor of the stack."""
        return not self.instances

    def undo_steps(self) -> Sequence[UndoStep]:
        """Return the steps that undo the fault, if nothing else has recovered the component."""
        if self.is_supervisor:
            return [("resume_supervisor",) if self.fault == "pause" else ("up",)]
        # Several actions on a service open its circuit in the responder.
        circuit = [("close_circuit", self.component)] if self.component in SERVICES else []
        return [*circuit, ("resume" if self.fault == "pause" else "start", self.target)]


def plan_rows(
    instances: Iterable[Instance],
    supervisor: str = "",
    *,
    only: Collection[str] = (),
    faults: Collection[str] = FAULTS,
) -> Sequence[Row]:
    """Return the rows for the components that run; `supervisor` is the name of a process, or "".

    `only` selects components and instances. Raise `AlertdrillError` if it has another name.
    """
    copies: dict[str, list[str]] = defaultdict(list)
    for instance in instances:
        # A task, such as the proxy of this run, is no component.
        if instance.state != "standby" and instance.service in all_components():
            copies[instance.service].append(instance.name)
    targets: list[tuple[str, str, tuple[str, ...]]] = []
    for component, names in copies.items():
        if len(names) > 1:
            targets.append((component, names[0], (names[0],)))
        targets.append((component, component, tuple(names)))
    if supervisor:  # the last one: its end may end everything
        targets.append((supervisor, supervisor, ()))
    valid = {name for component, target, _ in targets for name in (component, target)}
    if unknown := set(only) - valid:
        raise AlertdrillError(
            f"{min(unknown)!r} is not a component or an instance of this stack: use"
            f" {', '.join(sorted(valid))}."
        )
    return [
        Row(
            component,
            target,
            fault,
            copies=len(names) or 1,
            total=len(copies[component]) if names else 1,
            instances=names,
        )
        for component, target, names in targets
        for fault in FAULTS
        if fault in faults and (not only or {component, target} & set(only))
    ]

"""The results of the rows, and the file that holds those of several runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..drills.model import ACTIONS
from ..errors import AlertdrillError
from .plan import FAULTS, FaultName, Row

# `late`: not within the timeout. `aborted`: no steady state before the fault, or no fault.
Verdict = Literal["recovered", "late", "aborted"]
# What restarts a process that ends.
SUPERVISORS = {"native": "supervisord", "compose": "Docker's restart policy"}
SUPERVISOR_WATCH = "the control API"
RECONCILE_LOOP = "the control API's reconcile loop"
# What starts the other components again. Without containers a kill or a pause leaves one of them.
HEALERS = ("control", "docker-proxy", "supervisord")
FILE_NAME = "kill-matrix.json"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conditions(_Model):
    """How a run measured its rows. Times are seconds since 1970, durations are seconds."""

    began: float
    speed: float
    rate: float
    timeout: float
    cores: int
    # The load average of five minutes: at the start of the run, and after the row.
    load_before: float
    load_after: float


class FiredAlert(_Model):
    """An alert that fired, with the seconds from the fault."""

    name: str
    severity: str
    after: float


class RowResult(_Model):
    """The result of one row.

    `seconds` is from the fault until the steady state, None if it did not return in time. Of the
    `sent` requests in this time, `lost` got no answer of the services. `notified` are the alerts
    that reached the responder before the fault was undone, and `notified_late` those after it;
    both with their severity.
    """

    runtime: str
    component: str
    target: str
    fault: FaultName
    copies: int
    total: int
    verdict: Verdict
    conditions: Conditions
    seconds: float | None = None
    sent: int = 0
    lost: int = 0
    recovered_by: str = ""
    alerts: tuple[FiredAlert, ...] = ()
    notified: tuple[str, ...] = ()
    notified_late: tuple[str, ...] = ()
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what a newer result of the same row shares."""
        return self.runtime, self.target, self.fault

    @property
    def took_healers(self) -> bool:
        """Return whether a person took every copy of what heals, so that only a person can heal."""
        every_copy = self.copies == self.total and self.component in HEALERS
        is_final = self.fault == "stop" or self.runtime == "compose"
        return self.verdict == "late" and every_copy and is_final


class Results(_Model):
    """The newest result of each row."""

    rows: tuple[RowResult, ...] = ()

    def merge(self, rows: Iterable[RowResult]) -> Results:
        """Return these results with newer rows, in the order of the plan.

        A row that was measured stays if the newer one was aborted.
        """
        merged = {row.key: row for row in self.rows}
        for row in rows:
            if row.verdict != "aborted" or row.key not in merged:
                merged[row.key] = row
        order = {key: number for number, key in enumerate(merged)}
        first = {(row.runtime, row.component): 0 for row in merged.values()}
        components = {name: number for number, name in enumerate(first)}
        return Results(
            rows=tuple(
                sorted(
                    merged.values(),
                    key=lambda row: (
                        components[row.runtime, row.component],
                        row.copies == row.total,
                        FAULTS.index(row.fault),
                        order[row.key],
                    ),
                )
            )
        )


def find_recovered_by(
    row: Row,
    *,
    runtime: str,
    actions: Iterable[tuple[str, str, str]],
    replaced: bool,
    reconciled: bool,
) -> str:
    """Return what recovered the component.

    `actions` are the responder's finished ones: kind, target and alert. `replaced` tells whether
    other processes took the place of those before the fault, `reconciled` whether the log of the
    control API has one of its own starts.
    """
    if row.is_supervisor:
        return SUPERVISOR_WATCH
    for kind, target, alert in actions:
        if kind in ACTIONS and target in (*row.instances, row.component):
            return f"the responder ({alert})"
    if not replaced:
        return "itself"
    if row.fault == "stop":  # supervisord and the engine start nothing that was stopped
        return RECONCILE_LOOP if runtime == "compose" else SUPERVISOR_WATCH
    # The engine resumes nothing, and Loki may lack the line while it was frozen itself.
    reconciled = reconciled or (runtime == "compose" and row.fault == "pause")
    return RECONCILE_LOOP if reconciled else SUPERVISORS.get(runtime, "its supervisor")


def read(file: Path) -> Results:
    """Return a file's results, none without a file; raise `AlertdrillError` for an invalid one."""
    if not file.exists():
        return Results()
    try:
        return Results.model_validate_json(file.read_bytes())
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise AlertdrillError(f"{file} is no kill matrix ({reason}): move it away.") from None


def write(file: Path, results: Results) -> None:
    """Replace a file atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(file)

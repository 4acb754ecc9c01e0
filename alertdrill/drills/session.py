"""A run of several drills: start the stack, run each drill, report, leave no fault behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ..clients.responder import ResponderClient
from ..config.derived import require_current_files
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback, RunningStack, project_lock, running_ops_addresses
from ..runtimes.select import resolve_runtime, select_stack_runtime
from ..timescale.ephemeral_stack_settings import ephemeral_settings
from . import undo
from .context import DrillContext, DrillProgress, RunContext, Traffic, needs_logs
from .model import Drill, DrillError
from .result import DrillResult, Report
from .run import DrillRun, new_result
from .undo import UndoLog, UndoRecord

EPHEMERAL_STACK, CURRENT_STACK = "an ephemeral stack", "the stack that was up"
R = TypeVar("R", bound=RunningStack)


@dataclass(frozen=True)
class Options:
    """How to run: the time compression, and whether to use the stack that is up.

    The rest applies to an ephemeral stack: `fake_loki` replaces Loki where there is none, and
    `healing` lets its responder act. `folder` is that of all runs of this kind, in the home.
    """

    speed: float
    current_stack: bool = False
    fake_loki: bool = False
    healing: str = "on"
    folder: str = "drills"


@contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """Raise `KeyboardInterrupt` on SIGTERM, as on Ctrl-C, so that the block can clean up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def provision(
    settings: StackSettings,
    options: Options,
    progress: DrillProgress,
    select: Callable[[StackSettings], R],
) -> Iterator[RunContext[R]]:
    """Provide a stack to work on; undo every fault and stop an ephemeral stack on exit.

    `select` returns the stack of settings as the type that the run needs. Ctrl-C and SIGTERM exit
    in the same way.
    """
    undo_log = UndoLog(settings.home)
    with ExitStack() as on_exit:
        on_exit.enter_context(undo_log.lock())
        on_exit.enter_context(interrupt_on_sigterm())
        notes = [note] if (note := undo.recover(undo_log)) else []
        for note in notes:
            progress.note(note)
        began = time.time()
        stack = resolve_runtime(settings, lambda _: None)
        runtime = user_runtime = select(stack)
        if not options.current_stack:
            stack = replace(
                ephemeral_settings(stack, options.speed),
                fake_loki=options.fake_loki,
                healing=options.healing,
            )
            runtime = select(stack)
            if stack.runtime == "compose":
                on_exit.enter_context(project_lock(stack))
        record = UndoRecord(undo.new_run_id(settings.home, began), began, stack)
        undo_log.write(record)
        guard = undo.start_guard(settings.home)
        on_exit.callback(_clean_up, undo_log, guard, progress.note)
        if not options.current_stack:
            _start_ephemeral(stack, progress.note)
        elif not runtime.status():
            raise DrillError(
                "The stack is down: start it with `make up`, or leave out --current-stack."
            )
        folder = report_folder(settings.home / options.folder, began)
        traffic = Traffic(runtime.addresses()["Services"], record.run_id, folder / "locust.log")
        on_exit.callback(traffic.stop)
        on_exit.callback(undo.terminate_processes, record.run_id)
        yield RunContext(runtime, user_runtime, undo_log, record, folder, traffic, progress, notes)


def _start_ephemeral(stack: StackSettings, on_progress: ProgressCallback) -> None:
    require_current_files(SERVICES)
    runtime = select_stack_runtime(stack, lambda _: None)
    runtime.down(lambda _: None)
    shutil.rmtree(stack.home, ignore_errors=True)
    start = time.monotonic()
    runtime.up(lambda _: None)
    seconds = time.monotonic() - start
    on_progress(f"An ephemeral stack is up at speed {stack.speed:g} ({seconds:.1f} s).")


def _clean_up(
    undo_log: UndoLog, guard: subprocess.Popen[bytes], on_progress: ProgressCallback
) -> None:
    """Undo a fault that is still active, as after a second Ctrl-C; stop an ephemeral stack.

    Steps that fail stay on record, and the rollback guard tries them once more.
    """
    record = undo_log.read()
    if failures := undo.roll_back(record) if record else ():
        on_progress(f"A fault is still active, and the next run tries to undo it: {failures[0]}")
        return
    guard.communicate(undo.DONE)
    undo_log.clear()


def report_folder(home: Path, began: float) -> Path:
    """Create the folder in `home` for a run's report; raise `AlertdrillError` if that fails."""
    folder = home / time.strftime("%Y-%m-%dT%H-%M-%S", time.localtime(began))
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AlertdrillError(f"Cannot create the folder {folder} ({error.strerror}).") from error
    return folder


def run_drills(context: DrillContext, drills: Sequence[Drill]) -> Report:
    """Run drills one after the other; return a report even if Ctrl-C ends the run early."""
    began = time.time()
    results: list[DrillResult] = []
    notes = list(context.notes)
    progress, runtime = context.progress, context.runtime
    refused = False
    try:
        for number, drill in enumerate(drills, 1):
            progress.drill_started(drill, (number, len(drills)))
            result = _skipped(drill, context) or DrillRun(drill, context).execute()
            results.append(result)
            progress.drill_finished(result)
            try:
                publish(result, context)
            except AlertdrillError as error:  # it fails no drill: the report has every result
                if not refused:
                    progress.note(f"A drill's result did not reach the responder: {error}")
                refused = True
    except KeyboardInterrupt:
        count = len(drills) - len(results)
        notes.append(f"The run was interrupted: {count} drills did not run to their end.")
    return Report(
        began=began,
        ended=time.time(),
        speed=runtime.speed,
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        results=results,
        notes=notes,
    )


def _skipped(drill: Drill, context: DrillContext) -> DrillResult | None:
    """Return the result of a drill that needs components that this stack lacks, else None."""
    missing = context.missing_log_components()
    if not missing or not needs_logs(drill):
        return None
    reason = f"This stack has no {' and no '.join(missing)}, which {drill.alert} requires."
    result = new_result(drill)
    return replace(result, verdict="skipped", reason=reason, ended=result.began)


def publish(result: DrillResult, context: DrillContext) -> None:
    """Send a result to the responder of the user's stack, if it runs; a skipped drill has none."""
    runtime = context.user_runtime
    if result.verdict == "skipped" or not running_ops_addresses("responder", runtime.status()):
        return
    document = {
        "alert": result.alert,
        "verdict": result.verdict,
        "reason": result.reason,
        "speed": context.runtime.speed,
        "started_at": datetime.fromtimestamp(result.began, UTC).isoformat(),
        "finished_at": datetime.fromtimestamp(result.ended, UTC).isoformat(),
        # A clock that was set back during the drill gives negative durations.
        "phase_seconds": {phase: max(0.0, seconds) for phase, seconds in result.times.items()},
        "deadlines": dict(result.limits),
    }
    responder = ResponderClient(runtime.address("responder"), runtime.responder_token())
    responder.add_drill_result(document)

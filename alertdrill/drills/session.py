"""A run of several drills: start the stack, run each drill, report, leave no fault behind."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ..clients.responder import ResponderClient
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback, RunningStack, project_lock
from ..runtimes.select import resolve_runtime, select_stack_runtime
from ..timescale.ephemeral_stack_settings import ephemeral_settings
from . import undo
from .context import LOG_COMPONENTS, DrillContext, DrillProgress, RunContext, needs_logs
from .model import Drill, DrillError
from .result import DrillResult, Report
from .run import DrillRun
from .traffic import Traffic
from .undo import RollbackGuard, UndoLog, UndoRecord

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
    healing: bool = True
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
        settings = resolve_runtime(settings, lambda _: None)
        user_runtime = select(settings)
        stack, runtime = settings, user_runtime
        if not options.current_stack:
            stack = _ephemeral_settings(settings, options)
            runtime = select(stack)
            if stack.runtime == "compose":
                on_exit.enter_context(project_lock(stack))
        record = UndoRecord(f"{began:.0f}-{id(undo_log):x}", began, stack)
        undo_log.write(record)
        guard = RollbackGuard(settings.home)
        on_exit.callback(_clean_up, undo_log, guard, progress.note)
        if options.current_stack:
            _require_running(runtime)
        else:
            _start_ephemeral(stack, progress.note)
        folder = report_folder(settings.home / options.folder, began)
        traffic = Traffic(runtime.addresses()["Services"], record.run_id, folder / "locust.log")
        on_exit.callback(traffic.stop)
        on_exit.callback(undo.terminate_processes, record.run_id)
        yield RunContext(
            runtime=runtime,
            user_runtime=user_runtime,
            settings=stack,
            undo_log=undo_log,
            record=record,
            folder=folder,
            traffic=traffic,
            progress=progress,
            notes=notes,
        )


def run_drills(context: DrillContext, drills: Sequence[Drill]) -> Report:
    """Run drills one after the other; return a report even if Ctrl-C ends the run early."""
    began = time.time()
    results: list[DrillResult] = []
    notes = list(context.notes)
    progress, runtime = context.progress, context.runtime
    publisher = ResultPublisher(context)
    try:
        for number, drill in enumerate(drills, 1):
            progress.drill_started(drill, (number, len(drills)))
            result = _skipped(drill, context) or DrillRun(drill, context).execute()
            results.append(result)
            progress.drill_finished(result)
            publisher.publish(result)
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
    services = context.deployed_services()
    missing = [name for name in LOG_COMPONENTS if name not in services]
    if not missing or not needs_logs(drill):
        return None
    reason = f"This stack has no {' and no '.join(missing)}, which {drill.alert} requires."
    severity = drill.expect.labels.get("severity", "")
    now = time.time()
    subject = (drill.alert, drill.description, str(drill.fault), severity)
    return DrillResult(*subject, "skipped", reason, began=now, ended=now)


class ResultPublisher:
    """Sends results to the responder of the user's stack, if it runs.

    A refusal is shown once, and fails no drill: the report has every result.
    """

    def __init__(self, context: DrillContext) -> None:
        self._context = context
        self._failing = False

    def publish(self, result: DrillResult) -> None:
        """Send the result of a drill; a skipped drill has none."""
        if result.verdict == "skipped":
            return
        try:
            self._store(result)
        except AlertdrillError as error:
            if not self._failing:
                sentence = f"A drill's result did not reach the responder: {error}"
                self._context.progress.note(sentence)
            self._failing = True

    def _store(self, result: DrillResult) -> None:
        runtime = self._context.user_runtime
        instances = runtime.status()
        if any(instance.service == "responder" and instance.pid for instance in instances):
            client = ResponderClient(runtime.address("responder"), runtime.responder_token())
            client.add_drill_result(result_document(result, self._context.runtime.speed))


def result_document(result: DrillResult, speed: float) -> dict[str, object]:
    """Return a result as the responder's JSON, with times in RFC 3339 format."""
    return {
        "alert": result.alert,
        "verdict": result.verdict,
        "reason": result.reason,
        "speed": speed,
        "started_at": datetime.fromtimestamp(result.began, UTC).isoformat(),
        "finished_at": datetime.fromtimestamp(result.ended, UTC).isoformat(),
        # A clock that was set back during the drill gives negative durations.
        "phase_seconds": {phase: max(0.0, seconds) for phase, seconds in result.times.items()},
        "deadlines": dict(result.limits),
    }


def _clean_up(undo_log: UndoLog, guard: RollbackGuard, on_progress: ProgressCallback) -> None:
    """Undo a fault that is still active, as after a second Ctrl-C; stop an ephemeral stack.

    Steps that fail stay on record, and the rollback guard tries them once more.
    """
    record = undo_log.read()
    failures = undo.roll_back(record) if record else []
    if failures:
        on_progress(f"A fault is still active, and the next run tries to undo it: {failures[0]}")
        return
    guard.dismiss()
    undo_log.clear()


def _require_running(runtime: RunningStack) -> None:
    if not runtime.status():
        raise DrillError(
            "The stack is down: start it with `make up`, or leave out --current-stack."
        )


def _ephemeral_settings(settings: StackSettings, options: Options) -> StackSettings:
    ephemeral = ephemeral_settings(settings, options.speed)
    healing = ephemeral.healing if options.healing else "off"
    return replace(ephemeral, fake_loki=options.fake_loki, healing=healing)


def _start_ephemeral(stack: StackSettings, on_progress: ProgressCallback) -> None:
    runtime = select_stack_runtime(stack, lambda _: None)
    runtime.down(lambda _: None)
    shutil.rmtree(stack.home, ignore_errors=True)
    start = time.monotonic()
    runtime.up(lambda _: None)
    seconds = time.monotonic() - start
    on_progress(f"An ephemeral stack is up at speed {stack.speed:g} ({seconds:.1f} s).")


def report_folder(home: Path, began: float) -> Path:
    """Create the folder in `home` for a run's report; raise `AlertdrillError` if that fails."""
    name = time.strftime("%Y-%m-%dT%H-%M-%S", time.localtime(began))
    folder = home / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AlertdrillError(f"Cannot create the folder {folder} ({error.strerror}).") from error
    return folder

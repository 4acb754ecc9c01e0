"""A run of several drills: start the stack, run each drill, report, leave no fault behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..clients.alertmanager import Alertmanager
from ..clients.prometheus import Prometheus
from ..clients.responder import ResponderClient
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes import Runtime, select_runtime
from ..runtimes.base import ProgressCallback
from ..runtimes.compose.project_lock import project_lock
from ..runtimes.compose.runtime import ComposeRuntime
from ..signals import interrupt_on_sigterm
from ..timescale.ephemeral_stack_settings import ephemeral_settings
from . import requirements, undo
from .context import DrillContext
from .errors import DrillError
from .model import Drill
from .progress import DrillProgress
from .publish import AnnotationPublisher, ResultPublisher
from .result import DrillResult, Report
from .run import DrillRun
from .traffic import Traffic
from .undo import RollbackGuard, UndoLog, UndoRecord, UndoStep

EPHEMERAL_STACK, CURRENT_STACK = "an ephemeral stack", "the stack that was up"


@dataclass(frozen=True)
class Options:
    """How to run: the time compression, and whether to use the stack that is up.

    They apply to an ephemeral stack: `fake_loki` replaces Loki where there is none, and `healing`
    lets its responder act.
    """

    speed: float
    current_stack: bool = False
    fake_loki: bool = False
    healing: bool = True


@dataclass(frozen=True)
class ProvisionedStack:
    """A stack that is up for a run; `record` is the run's entry in the undo log."""

    runtime: Runtime
    settings: StackSettings
    record: UndoRecord
    undo_log: UndoLog
    notes: Sequence[str]


@contextmanager
def provision(
    settings: StackSettings, options: Options, on_progress: ProgressCallback
) -> Iterator[ProvisionedStack]:
    """Provide a stack to work on; undo every fault and stop an ephemeral stack on exit.

    Ctrl-C and SIGTERM exit in the same way.
    """
    undo_log = UndoLog(settings.home)
    with ExitStack() as on_exit:
        on_exit.enter_context(undo_log.lock())
        on_exit.enter_context(interrupt_on_sigterm())
        notes = [note] if (note := undo.recover(undo_log)) else []
        for note in notes:
            on_progress(note)
        began = time.time()
        stack = settings if options.current_stack else _ephemeral_settings(settings, options)
        runtime = select_runtime(stack, lambda _: None)
        if stack.ephemeral and isinstance(runtime, ComposeRuntime):
            on_exit.enter_context(project_lock(stack))
        record = UndoRecord(f"{began:.0f}-{id(undo_log):x}", began, stack)
        undo_log.write(record)
        guard = RollbackGuard(settings.home)
        on_exit.callback(_clean_up, undo_log, guard, runtime, on_progress)
        if options.current_stack:
            _require_running(runtime)
        else:
            _start_ephemeral(runtime, stack, on_progress)
        yield ProvisionedStack(runtime, stack, record, undo_log, notes)


@contextmanager
def open_session(
    settings: StackSettings, options: Options, progress: DrillProgress
) -> Iterator[DrillContext]:
    """Provide a stack with all that drills need; stop the load and its processes on exit."""
    with ExitStack() as on_exit:
        stack = on_exit.enter_context(provision(settings, options, progress.note))
        runtime, run_id = stack.runtime, stack.record.run_id
        folder = report_folder(settings.home / "drills", stack.record.began)
        traffic = Traffic(runtime.addresses()["Services"], run_id, folder / "locust.log")
        on_exit.callback(traffic.stop)
        on_exit.callback(undo.terminate_processes, run_id)

        def record_undo(alert: str, steps: Sequence[UndoStep]) -> None:
            stack.undo_log.write(replace(stack.record, alert=alert, undo=steps))

        yield DrillContext(
            runtime=runtime,
            settings=stack.settings,
            user_runtime=runtime
            if options.current_stack
            else select_runtime(settings, lambda _: None),
            traffic=traffic,
            run_id=run_id,
            prometheus=Prometheus(runtime.address("prometheus")),
            alertmanager=Alertmanager(runtime.address("alertmanager")),
            responder=ResponderClient(runtime.address("responder")),
            loki=requirements.log_store_url(runtime, requirements.deployed_services(runtime)),
            progress=progress,
            folder=folder,
            notes=stack.notes,
            record_undo=record_undo,
        )


def run_drills(context: DrillContext, drills: Sequence[Drill]) -> Report:
    """Run drills one after the other; return a report even if Ctrl-C ends the run early."""
    began = time.time()
    results: list[DrillResult] = []
    notes = list(context.notes)
    progress, runtime = context.progress, context.runtime
    annotations = AnnotationPublisher(runtime, progress)
    publisher = ResultPublisher(context.user_runtime, progress)
    try:
        for number, drill in enumerate(drills, 1):
            progress.drill_started(drill, (number, len(drills)))
            result = _skipped(drill, context) or DrillRun(drill, context).execute()
            results.append(result)
            progress.drill_finished(result)
            annotations.publish(result)
            publisher.publish(result, runtime.speed)
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
    reason = requirements.missing_requirement(
        drill, requirements.deployed_services(context.runtime)
    )
    if not reason:
        return None
    severity = drill.expect.labels.get("severity", "")
    now = time.time()
    subject = (drill.alert, drill.description, str(drill.fault), severity)
    return DrillResult(*subject, "skipped", reason, began=now, ended=now)


def _clean_up(
    undo_log: UndoLog, guard: RollbackGuard, runtime: Runtime, on_progress: ProgressCallback
) -> None:
    """Undo a fault that is still active, as after a second Ctrl-C; stop an ephemeral stack.

    Steps that fail stay on record, and the rollback guard tries them once more.
    """
    record = undo_log.read()
    failures = undo.roll_back(record, runtime, lambda _: None) if record else []
    if failures:
        on_progress(f"A fault is still active, and the next run tries to undo it: {failures[0]}")
        return
    guard.dismiss()
    undo_log.clear()


def _require_running(runtime: Runtime) -> None:
    if not runtime.status():
        raise DrillError(
            "The stack is down: start it with `make up`, or leave out --current-stack."
        )


def _ephemeral_settings(settings: StackSettings, options: Options) -> StackSettings:
    ephemeral = ephemeral_settings(settings, options.speed)
    healing = ephemeral.healing if options.healing else "off"
    return replace(ephemeral, fake_loki=options.fake_loki, healing=healing)


def _start_ephemeral(runtime: Runtime, stack: StackSettings, on_progress: ProgressCallback) -> None:
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

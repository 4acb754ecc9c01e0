"""A run of drills from a clean start to a report, which leaves nothing broken behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import AlertdrillError
from ..rehearsal.stack import own_settings
from ..runtimes import Runtime, choose
from ..runtimes.base import Notify
from ..runtimes.compose.alone import alone
from ..runtimes.compose.runtime import ComposeRuntime
from ..settings import StackSettings
from ..terminating import terminating
from . import absent, marked, steps
from .annotate import Annotations
from .ask import Alertmanager, Prometheus
from .drill import Drill
from .errors import DrillError
from .faults import Scene
from .guard import Guard
from .journal import Journal
from .ledger import Entry, Ledger
from .outcome import Outcome, Report
from .progress import Progress
from .stage import Stage
from .tell import Results
from .traffic import Traffic
from .trial import Trial


@dataclass(frozen=True)
class Options:
    """How to run: at which speed, and whether on the stack that is up.

    `log_sink` has a stack of the run's own stand in for Loki where there is none, and `heals` its
    responder act.
    """

    speed: float
    here: bool = False
    log_sink: bool = False
    heals: bool = True


@dataclass
class Session:
    """A stage that is up, and what it takes to leave it as it was.

    `watched` is the stack that people look at, be it the stage's own or not, up or down.
    """

    stage: Stage
    watched: Runtime
    settings: StackSettings
    folder: Path
    notes: list[str]


@dataclass(frozen=True)
class Ground:
    """A stack to work on that is up, and whose it is; `entry` is on record in the `ledger`."""

    runtime: Runtime
    stack: StackSettings
    entry: Entry
    ledger: Ledger
    notes: Sequence[str]


@contextmanager
def ground(settings: StackSettings, options: Options, notify: Notify) -> Iterator[Ground]:
    """Have a stack to work on; undo and end what is ours on the way out, also on Ctrl-C."""
    ledger = Ledger(settings.home)
    with ExitStack() as after:
        after.enter_context(ledger.held())
        after.enter_context(terminating())
        notes = [_clean_up(ledger)] if ledger.file.exists() else []
        for note in notes:
            notify(note)
        began = time.time()
        stack = settings if options.here else _own(settings, options)
        runtime = choose(stack, lambda _: None)
        if stack.rehearsal and isinstance(runtime, ComposeRuntime):
            after.enter_context(alone(stack))
        entry = Entry(f"{began:.0f}-{id(ledger):x}", began, stack)
        ledger.write(entry)
        guard = Guard(settings.home)
        after.callback(_leave, ledger, guard, runtime, notify)
        if options.here:
            _require_running(runtime)
        else:
            _clean_start(runtime, stack, notify)
        yield Ground(runtime, stack, entry, ledger, notes)


@contextmanager
def session(settings: StackSettings, options: Options, progress: Progress) -> Iterator[Session]:
    """Have a stage to drill on; roll back and end what is ours on the way out, also on Ctrl-C."""
    with ExitStack() as after:
        under = after.enter_context(ground(settings, options, progress.note))
        runtime, run = under.runtime, under.entry.run
        folder = report_folder(settings.home / "drills", under.entry.began)
        traffic = Traffic(runtime.addresses()["Services"], run, folder / "locust.log")
        after.callback(traffic.stop)
        after.callback(marked.end, run)

        def broken(alert: str, undo: Sequence[steps.Step]) -> None:
            under.ledger.write(replace(under.entry, alert=alert, undo=undo))

        stage = Stage(
            scene=Scene(runtime, traffic, run, lasts=0.0),
            prometheus=Prometheus(runtime.address("prometheus")),
            alertmanager=Alertmanager(runtime.address("alertmanager")),
            journal=Journal(runtime.address("responder")),
            loki=absent.log_store(runtime, absent.services(runtime)),
            progress=progress,
            folder=folder,
            broken=broken,
        )
        watched = runtime if options.here else choose(settings, lambda _: None)
        yield Session(stage, watched, under.stack, folder, list(under.notes))


def run(found: Session, drills: Sequence[Drill]) -> Report:
    """Run drills one after the other; a report comes out also when Ctrl-C ends it early."""
    began = time.time()
    outcomes: list[Outcome] = []
    notes = list(found.notes)
    progress = found.stage.progress
    runtime = found.stage.scene.runtime
    annotations, results = Annotations(runtime, progress), Results(found.watched, progress)
    try:
        for number, drill in enumerate(drills, 1):
            progress.begin(drill, (number, len(drills)))
            outcomes.append(_skipped(drill, found.stage) or Trial(drill, found.stage).run())
            progress.done(outcomes[-1])
            annotations.note(outcomes[-1])
            results.tell(outcomes[-1], runtime.speed)
    except KeyboardInterrupt:
        notes.append(f"The run was interrupted: {len(drills) - len(outcomes)} drills are missing.")
    return Report(
        began=began,
        ended=time.time(),
        speed=runtime.speed,
        runtime=runtime.name,
        stack="a stack of the run's own" if runtime.rehearsal else "the stack that was up",
        outcomes=outcomes,
        notes=notes,
    )


def _skipped(drill: Drill, stage: Stage) -> Outcome | None:
    """Return the outcome of a drill that this stack lacks the parts for, None if it has them."""
    reason = absent.reason(drill, absent.services(stage.scene.runtime))
    if not reason:
        return None
    severity = drill.expect.labels.get("severity", "")
    now = time.time()
    what = (drill.alert, drill.says, str(drill.fault), severity)
    return Outcome(*what, "skipped", reason, began=now, ended=now)


def _clean_up(ledger: Ledger) -> str:
    """Undo what a run that was cut off left broken; return a sentence about it."""
    entry = ledger.read()
    if entry is None:
        ledger.clear()
        return "An earlier run was cut off before it had broken anything."
    when = time.strftime("%H:%M:%S", time.localtime(entry.began))
    during = f" during {entry.alert}" if entry.alert else ""
    said = f"The run of {when} was cut off{during}"
    if entry.undone:
        ledger.clear()
        return f"{said}; its guard has undone its fault."
    marked.end(entry.run)
    runtime = choose(entry.stack, lambda _: None)
    failures = steps.perform(runtime, entry.undo)
    if entry.stack.rehearsal:
        runtime.down(lambda _: None)
        failures = []  # the stack that was broken is gone
    if failures:
        raise DrillError(f"{said}, and its fault can't be undone: {failures[0]}")
    ledger.clear()
    return f"{said}; its fault was undone now."


def _leave(ledger: Ledger, guard: Guard, runtime: Runtime, notify: Notify) -> None:
    """End a stack of the run's own; undo what is broken still, as after a second Ctrl-C.

    What can't be undone stays on record, and the guard tries once more.
    """
    entry = ledger.read()
    failures = steps.perform(runtime, entry.undo) if entry else []
    if entry and entry.stack.rehearsal:
        runtime.down(lambda _: None)
        failures = []  # the stack that was broken is gone
    if failures:
        notify(f"Something is broken still, and the next run tries again: {failures[0]}")
        return
    guard.dismiss()
    ledger.clear()


def _require_running(runtime: Runtime) -> None:
    if not runtime.status():
        raise DrillError("The stack is down: start it with `make up`, or drill without --here.")


def _own(settings: StackSettings, options: Options) -> StackSettings:
    own = own_settings(settings, options.speed)
    healing = own.healing if options.heals else "off"
    return replace(own, log_sink=options.log_sink, healing=healing)


def _clean_start(runtime: Runtime, stack: StackSettings, notify: Notify) -> None:
    runtime.down(lambda _: None)
    shutil.rmtree(stack.home, ignore_errors=True)
    begun = time.monotonic()
    runtime.up(lambda _: None)
    notify(f"A stack of its own is up at speed {stack.speed:g} ({time.monotonic() - begun:.1f} s).")


def report_folder(home: Path, began: float) -> Path:
    """Make the folder in `home` for the report of a run; raise `AlertdrillError` if it can't be."""
    name = time.strftime("%Y-%m-%dT%H-%M-%S", time.localtime(began))
    folder = home / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AlertdrillError(f"{folder} can't be made ({error.strerror}).") from error
    return folder

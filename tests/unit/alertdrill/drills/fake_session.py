"""A session of drills whose processes and stack are fakes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.drills import session as module
from alertdrill.drills import undo
from alertdrill.drills.session import Options, provision
from alertdrill.drills.undo import UndoLog, UndoRecord
from tests.unit.alertdrill.drills.fakes import FakeProgress
from tests.unit.alertdrill.fake_runtime import FakeRuntime

EPHEMERAL, CURRENT = Options(12.0), Options(1.0, current_stack=True)
UNDO = [("resume", "web-1")]


class FakeSession:
    """Fakes of everything that a session starts; `log` has the events in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.runtime = FakeRuntime(folder)
        self.runtime.on_call = lambda method, *_: self.log.append(method)
        self.progress = FakeProgress()
        self.settings = StackSettings(folder / "home", runtime="native")
        self.undo_log = UndoLog(self.settings.home)
        session = self

        class FakeGuard:
            def __init__(self, home: Path) -> None:
                assert home == session.settings.home
                assert session.undo_log.read()
                session.log.append("guard")

            def dismiss(self) -> None:
                session.log.append("dismiss")

        class FakeTraffic:
            def __init__(self, *_: object) -> None:
                pass

            def stop(self) -> None:
                session.log.append("stop load")

        monkeypatch.setattr(module, "RollbackGuard", FakeGuard)
        monkeypatch.setattr(module, "Traffic", FakeTraffic)
        for user in (module, undo):
            monkeypatch.setattr(user, "select_stack_runtime", lambda *_: self.runtime)
        monkeypatch.setattr(undo, "select_fault_target", self.select)
        monkeypatch.setattr(module, "ephemeral_settings", self._own_settings)
        monkeypatch.setattr(undo, "terminate_processes", lambda _: self.log.append("end processes"))

    def _own_settings(self, settings: StackSettings, speed: float) -> StackSettings:
        return replace(settings, home=settings.home / "own", speed=speed, ephemeral=True)

    def open(self, options: Options = EPHEMERAL) -> Any:
        return provision(self.settings, options, self.progress, self.select)

    def select(self, _: StackSettings) -> FakeRuntime:
        return self.runtime

    def interrupt(self) -> None:
        """Interrupt a session in the middle of a fault."""
        with self.open(CURRENT) as context:
            context.record_undo("Down", UNDO)
            raise KeyboardInterrupt

    def leave_record(self, **changed: Any) -> None:
        """Write the undo record of a run that was killed."""
        record = UndoRecord("old-run", 1.0, self.settings, "Down", UNDO)
        self.undo_log.write(replace(record, **changed))

"""All that a session of drills starts, faked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import session as module
from alertdrill.drills.ledger import Entry, Ledger
from alertdrill.drills.session import Options, session
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime

OWN, HERE = Options(12.0), Options(1.0, here=True)
UNDO = [("resume", "web-1")]


class Stage:
    """All that a session starts, faked; `log` has what was done in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.runtime = FakeRuntime(folder)
        self.runtime.told = lambda order, *_: self.log.append(order)
        self.progress = FakeProgress()
        self.settings = StackSettings(folder / "home", runtime="native")
        self.ledger = Ledger(self.settings.home)
        stage = self

        class FakeGuard:
            def __init__(self, home: Path) -> None:
                assert home == stage.settings.home
                assert stage.ledger.read()
                stage.log.append("guard")

            def dismiss(self) -> None:
                stage.log.append("dismiss")

        class FakeTraffic:
            def __init__(self, *_: object) -> None:
                pass

            def stop(self) -> None:
                stage.log.append("no load")

        monkeypatch.setattr(module, "Guard", FakeGuard)
        monkeypatch.setattr(module, "Traffic", FakeTraffic)
        monkeypatch.setattr(module, "choose", lambda *_: self.runtime)
        monkeypatch.setattr(module, "own_settings", self._own)
        monkeypatch.setattr("alertdrill.drills.marked.end", lambda _: self.log.append("end"))

    def _own(self, settings: StackSettings, speed: float) -> StackSettings:
        return replace(settings, home=settings.home / "own", speed=speed, rehearsal=True)

    def session(self, options: Options = OWN) -> Any:
        return session(self.settings, options, self.progress)

    def interrupted(self) -> None:
        """Have a session end in the middle of a fault."""
        with self.session(HERE) as found:
            found.stage.broken("Down", UNDO)
            raise KeyboardInterrupt

    def cut_off(self, **changed: Any) -> None:
        """Leave the ledger of a run that was cut off."""
        entry = Entry("old-run", 1.0, self.settings, "Down", UNDO)
        self.ledger.write(replace(entry, **changed))

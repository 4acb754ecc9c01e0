"""Settings of the responder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from apps.telemetry.environment import Environment

RUNBOOKS_DIR = Path(__file__).parent.parent / "runbooks"


@dataclass(frozen=True)
class ResponderSettings:
    """What the responder needs to know at start; the timeout is in seconds."""

    database: Path = Path("var/responder.db")
    runbooks_dir: Path = RUNBOOKS_DIR
    watchdog_timeout: float = 180.0

    @classmethod
    def from_env(cls, env: Environment) -> ResponderSettings:
        """Read the settings; raise `SettingsError` naming a bad variable."""
        return cls(
            database=env.path("RESPONDER_DB", cls.database),
            runbooks_dir=env.path("RUNBOOKS_DIR", cls.runbooks_dir),
            # Three missed notifications at one a minute: one may be late, two are an outage
            # in the making. At rehearsal speed the runtime divides it, hence the low bound.
            watchdog_timeout=env.number("WATCHDOG_TIMEOUT", cls.watchdog_timeout, at_least=1),
        )

"""Settings of the responder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from apps.telemetry.env_reader import EnvReader
from apps.telemetry.errors import SettingsError

# `dry-run`: decisions without actions; `off`: neither.
MODES = ("on", "dry-run", "off")
POLICY = Path(__file__).parent.parent / "policy.yml"
RUNBOOKS_DIR = Path(__file__).parent.parent / "runbooks"


@dataclass(frozen=True)
class HealingSettings:
    """The settings of healing.

    `speed` divides every duration of the policy, as the runtime divides those of the rules.
    Without a `token` there are no operator's commands.
    """

    mode: str = "off"
    policy: Path = POLICY
    control_url: str = ""
    control_token: str = field(default="", repr=False)
    alertmanager_url: str = "http://127.0.0.1:9093"
    token: str = field(default="", repr=False)
    speed: float = 1.0

    @classmethod
    def from_env(cls, env: EnvReader) -> HealingSettings:
        """Read the settings; raise `SettingsError` with the bad variable."""
        mode = env.choice("HEALING", cls.mode, MODES)
        if mode == "off":
            return cls(token=env.secret("RESPONDER_TOKEN"))
        return cls(
            mode=mode,
            policy=env.path("POLICY_FILE", cls.policy),
            control_url=env.url("CONTROL_URL", "http://127.0.0.1:8091"),
            control_token=_required("CONTROL_TOKEN", env.secret("CONTROL_TOKEN")),
            alertmanager_url=env.url("ALERTMANAGER_URL", cls.alertmanager_url),
            token=_required("RESPONDER_TOKEN", env.secret("RESPONDER_TOKEN")),
            # Time compression uses speeds up to about a hundred.
            speed=env.number("SPEED", cls.speed, at_least=0.01, at_most=1000),
        )


def _required(name: str, value: str) -> str:
    if not value:
        raise SettingsError(f"HEALING is not off: set {name} or {name}_FILE.")
    return value


@dataclass(frozen=True)
class ResponderSettings:
    """The settings of the responder.

    The timeout is in seconds; `url` is its public address, for links to its runbooks.
    """

    database: Path = Path("var/responder.db")
    runbooks_dir: Path = RUNBOOKS_DIR
    watchdog_timeout: float = 180.0
    url: str = "http://127.0.0.1:8090"
    healing: HealingSettings = HealingSettings()

    @classmethod
    def from_env(cls, env: EnvReader) -> ResponderSettings:
        """Read the settings; raise `SettingsError` with the bad variable."""
        return cls(
            database=env.path("RESPONDER_DB", cls.database),
            runbooks_dir=env.path("RUNBOOKS_DIR", cls.runbooks_dir),
            # Three missed notifications at one a minute: one may be late. The runtime divides it by
            # the speed, hence the low minimum.
            watchdog_timeout=env.number("WATCHDOG_TIMEOUT", cls.watchdog_timeout, at_least=1),
            url=env.url("RESPONDER_URL", cls.url),
            healing=HealingSettings.from_env(env),
        )

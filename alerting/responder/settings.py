"""Settings of the responder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from apps.telemetry.environment import Environment
from apps.telemetry.errors import SettingsError

# `dry-run` decides and does nothing; `off` does not even decide.
MODES = ("on", "dry-run", "off")
POLICY = Path(__file__).parent.parent / "policy.yml"
RUNBOOKS_DIR = Path(__file__).parent.parent / "runbooks"


@dataclass(frozen=True)
class HealingSettings:
    """What healing needs: the policy, and where those are whom it asks and tells.

    `speed` divides every duration of the policy, as the runtime does those of the rules. Without a
    `token` nobody can pause it, and without `grafana_url` there are no annotations.
    """

    mode: str = "off"
    policy: Path = POLICY
    control_url: str = ""
    control_token: str = field(default="", repr=False)
    alertmanager_url: str = "http://127.0.0.1:9093"
    token: str = field(default="", repr=False)
    speed: float = 1.0
    grafana_url: str = ""
    # It may come later than the responder starts, and be replaced.
    grafana_token: Path = Path()

    @classmethod
    def from_env(cls, env: Environment) -> HealingSettings:
        """Read the settings; raise `SettingsError` naming a bad variable."""
        mode = env.choice("HEALING", cls.mode, MODES)
        if mode == "off":
            return cls(token=env.secret("RESPONDER_TOKEN"))
        grafana_url = env.text("GRAFANA_URL", "")
        return cls(
            mode=mode,
            policy=env.path("POLICY_FILE", cls.policy),
            control_url=env.url("CONTROL_URL", "http://127.0.0.1:8091"),
            control_token=_required("CONTROL_TOKEN", env.secret("CONTROL_TOKEN")),
            alertmanager_url=env.url("ALERTMANAGER_URL", cls.alertmanager_url),
            token=_required("RESPONDER_TOKEN", env.secret("RESPONDER_TOKEN")),
            # A rehearsal is some times as fast, never a thousand.
            speed=env.number("SPEED", cls.speed, at_least=0.01, at_most=1000),
            grafana_url=env.url("GRAFANA_URL", "") if grafana_url else "",
            grafana_token=env.path("GRAFANA_TOKEN_FILE") if grafana_url else cls.grafana_token,
        )


def _required(name: str, found: str) -> str:
    if not found:
        raise SettingsError(f"HEALING is not off: set {name} or {name}_FILE.")
    return found


@dataclass(frozen=True)
class ResponderSettings:
    """What the responder needs to know at start.

    The timeout is in seconds; `url` is where people find it, for links to its runbooks.
    """

    database: Path = Path("var/responder.db")
    runbooks_dir: Path = RUNBOOKS_DIR
    watchdog_timeout: float = 180.0
    url: str = "http://127.0.0.1:8090"
    healing: HealingSettings = HealingSettings()

    @classmethod
    def from_env(cls, env: Environment) -> ResponderSettings:
        """Read the settings; raise `SettingsError` naming a bad variable."""
        return cls(
            database=env.path("RESPONDER_DB", cls.database),
            runbooks_dir=env.path("RUNBOOKS_DIR", cls.runbooks_dir),
            # Three missed notifications at one a minute: one may be late, two are an outage
            # in the making. At rehearsal speed the runtime divides it, hence the low bound.
            watchdog_timeout=env.number("WATCHDOG_TIMEOUT", cls.watchdog_timeout, at_least=1),
            url=env.url("RESPONDER_URL", cls.url),
            healing=HealingSettings.from_env(env),
        )

"""Settings of the responder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from alertdrill_telemetry.env_reader import EnvReader
from alertdrill_telemetry.errors import SettingsError

# `dry-run`: decisions without actions; `off`: neither.
MODES = ("on", "dry-run", "off")
FOLDER = Path(__file__).parent.parent


@dataclass(frozen=True)
class ResponderSettings:
    """The settings of the responder.

    The timeout is in seconds; `url` is the responder's public address, for links to its runbooks.
    `speed` divides every duration of the policy, as the runtime divides those of the rules.
    Without a `token` there are no operator's commands.
    """

    database: Path = Path("var/responder.db")
    runbooks_dir: Path = FOLDER / "runbooks"
    watchdog_timeout: float = 180.0
    url: str = "http://127.0.0.1:8090"
    token: str = field(default="", repr=False)
    healing: str = "off"
    policy: Path = FOLDER / "policy.yml"
    control_url: str = "http://127.0.0.1:8091"
    control_token: str = field(default="", repr=False)
    alertmanager_url: str = "http://127.0.0.1:9093"
    alertmanager_password_file: Path | None = None
    prometheus_url: str = "http://127.0.0.1:9090"
    loki_url: str = ""
    speed: float = 1.0

    @classmethod
    def from_env(cls, env: EnvReader) -> ResponderSettings:
        """Read the settings; raise `SettingsError` with the bad variable."""
        healing = env.choice("HEALING", cls.healing, MODES)
        token, control_token = env.secret("RESPONDER_TOKEN"), env.secret("CONTROL_TOKEN")
        for name, value in {"RESPONDER_TOKEN": token, "CONTROL_TOKEN": control_token}.items():
            if healing != "off" and not value:
                raise SettingsError(f"HEALING is not off: set {name} or {name}_FILE.")
        return cls(
            database=env.path("RESPONDER_DB", cls.database),
            runbooks_dir=env.path("RUNBOOKS_DIR", cls.runbooks_dir),
            # Three missed notifications at one a minute: one may be late. The runtime divides it by
            # the speed, hence the low minimum.
            watchdog_timeout=env.number("WATCHDOG_TIMEOUT", cls.watchdog_timeout, at_least=1),
            url=env.url("RESPONDER_URL", cls.url),
            token=token,
            healing=healing,
            policy=env.path("POLICY_FILE", cls.policy),
            control_url=env.url("CONTROL_URL", cls.control_url),
            control_token=control_token,
            alertmanager_url=env.url("ALERTMANAGER_URL", cls.alertmanager_url),
            alertmanager_password_file=(
                env.path("ALERTMANAGER_PASSWORD_FILE")
                if env.text("ALERTMANAGER_PASSWORD_FILE", "")
                else None
            ),
            prometheus_url=env.url("PROMETHEUS_URL", cls.prometheus_url),
            loki_url=env.url("LOKI_URL", "") if env.text("LOKI_URL", "") else "",
            # Time compression uses speeds up to about a hundred.
            speed=env.number("SPEED", cls.speed, at_least=0.01, at_most=1000),
        )

"""Keep the Grafana token for annotations valid.

It creates the token at the start, and again if Grafana no longer accepts it. Only Grafana has the
admin's password; programs that write annotations mount the token's volume.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from .grafana_token import GrafanaClient, TokenError, ensure_token
from .log_format import LogOrigin, format_line

# How long until Grafana is asked for one again where it gave none, and until the one that there is
# is looked at again; in seconds.
RETRY_INTERVAL_S, CHECK_INTERVAL_S = 2.0, 60.0
# How long it sleeps at most, so that the health check sees it awake.
HEARTBEAT_INTERVAL_S = 2.0
# Says that the loop goes on, for the health check.
HEARTBEAT_FILE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - a container's own
# Its readers are of the same group.
TOKEN_FILE_MODE = 0o440


@dataclass(frozen=True)
class Settings:
    """Where Grafana is, and the files with its password and with the token."""

    url: str
    password: Path
    token: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read what docker-compose.yml gives."""
        return cls(
            environ.get("GRAFANA_URL", ""),
            Path(environ.get("GRAFANA_PASSWORD_FILE", "")),
            Path(environ.get("GRAFANA_TOKEN_FILE", "")),
        )


class TokenKeeper:
    """Checks the token repeatedly; logs changes."""

    def __init__(self, settings: Settings, say: Callable[[str, str], None]) -> None:
        self._settings = settings
        self._say = say
        self._said = ""

    def turn(self) -> float:
        """Check once; return the seconds until the next check."""
        try:
            grafana = GrafanaClient(self._settings.url, self._settings.password.read_text().strip())
            verdict = ensure_token(grafana, self._settings.token, TOKEN_FILE_MODE)
        except (TokenError, OSError) as error:
            self._tell("WARNING", str(error))
            return RETRY_INTERVAL_S
        self._tell("INFO", f"The token for annotations is {verdict}.")
        return CHECK_INTERVAL_S

    def _tell(self, level: str, message: str) -> None:
        if message != self._said:
            self._say(level, message)
        self._said = message


def write_line(level: str, message: str) -> None:
    """Write one line to stdout."""
    speaker = LogOrigin("grafana-token", os.environ.get("INSTANCE", "grafana-token-1"))
    sys.stdout.write(f"{format_line(speaker, level, message, 'tokens')}\n")
    sys.stdout.flush()


def sleep_with_heartbeat(seconds: float) -> None:
    """Sleep, and touch the heartbeat file meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        HEARTBEAT_FILE.touch()
        time.sleep(min(left, HEARTBEAT_INTERVAL_S))


def main() -> None:
    """Check repeatedly until SIGTERM."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    tokens = TokenKeeper(Settings.from_env(os.environ), write_line)
    while True:
        sleep_with_heartbeat(tokens.turn())


if __name__ == "__main__":
    main()

"""Keep the Grafana token for annotations valid.

Create the token at the start, and again if Grafana no longer accepts it. Only Grafana and this
program have the admin's password; programs that write annotations mount the token's volume.
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

# The seconds between checks: after a failure, and while the token is valid.
RETRY_INTERVAL_S, CHECK_INTERVAL_S = 2.0, 60.0
# The health check expects a heartbeat at least this often.
HEARTBEAT_INTERVAL_S = 2.0
# The health check reads the modification time of this file.
HEARTBEAT_FILE = Path(os.environ.get("ALIVE", "/tmp/alive"))  # noqa: S108 - a container's own
# Programs that read the token run with the same group.
TOKEN_FILE_MODE = 0o440


@dataclass(frozen=True)
class Settings:
    """The URL of Grafana, and the files with its password and the token."""

    url: str
    password: Path
    token: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables that docker-compose.yml sets."""
        return cls(
            environ.get("GRAFANA_URL", ""),
            Path(environ.get("GRAFANA_PASSWORD_FILE", "")),
            Path(environ.get("GRAFANA_TOKEN_FILE", "")),
        )


class TokenKeeper:
    """Checks the token repeatedly, and logs changes."""

    def __init__(self, settings: Settings, log: Callable[[str, str], None]) -> None:
        self._settings = settings
        self._log = log
        self._last_message = ""

    def check(self) -> float:
        """Check once; return the seconds until the next check."""
        try:
            grafana = GrafanaClient(self._settings.url, self._settings.password.read_text().strip())
            state = ensure_token(grafana, self._settings.token, TOKEN_FILE_MODE)
        except (TokenError, OSError) as error:
            self._log_change("WARNING", str(error))
            return RETRY_INTERVAL_S
        self._log_change("INFO", f"The token for annotations is {state}.")
        return CHECK_INTERVAL_S

    def _log_change(self, level: str, message: str) -> None:
        if message != self._last_message:
            self._log(level, message)
        self._last_message = message


def write_line(level: str, message: str) -> None:
    """Write one line to stdout."""
    origin = LogOrigin("grafana-token", os.environ.get("INSTANCE", "grafana-token-1"))
    sys.stdout.write(f"{format_line(origin, level, message, 'tokens')}\n")
    sys.stdout.flush()


def sleep_with_heartbeat(seconds: float) -> None:
    """Sleep, and touch the heartbeat file periodically."""
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        HEARTBEAT_FILE.touch()
        time.sleep(min(remaining, HEARTBEAT_INTERVAL_S))


def main() -> None:
    """Check repeatedly until SIGTERM."""

    def exit_cleanly(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, exit_cleanly)
    keeper = TokenKeeper(Settings.from_env(os.environ), write_line)
    while True:
        sleep_with_heartbeat(keeper.check())


if __name__ == "__main__":
    main()

"""Write the control API's log, gunicorn's included, as JSON lines on stdout."""

from __future__ import annotations

import logging
import sys
from typing import Any

from gunicorn.glogging import Logger

from ..log_format import LogOrigin, format_line


class LineFormatter(logging.Formatter):
    """Formats a record like every other program of the stack."""

    def __init__(self, origin: LogOrigin) -> None:
        super().__init__()
        self._origin = origin

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; an exception is one of its fields."""
        error = record.exc_info[1] if record.exc_info else None
        return format_line(self._origin, record.levelname, record.getMessage(), record.name, error)


class LineLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's own log through the root logger."""

    def setup(self, cfg: Any) -> None:
        """Remove the handlers that gunicorn adds."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


def configure(origin: LogOrigin, level: str) -> None:
    """Log to stdout, from `level` up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter(origin))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)

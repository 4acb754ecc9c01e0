"""Everything that the control API logs, gunicorn's own words included, as JSON lines on stdout."""

from __future__ import annotations

import logging
import sys
from typing import Any

from gunicorn.glogging import Logger

from ..log_line import LogOrigin, format_line


class LineFormatter(logging.Formatter):
    """Writes a record in the form that all programs of the stack share."""

    def __init__(self, speaker: LogOrigin) -> None:
        super().__init__()
        self._speaker = speaker

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; an exception is a field of it, never lines of its own."""
        error = record.exc_info[1] if record.exc_info else None
        return format_line(self._speaker, record.levelname, record.getMessage(), record.name, error)


class LineLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines, by way of the root logger."""

    def setup(self, cfg: Any) -> None:
        """Keep gunicorn from adding handlers of its own."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


def configure(speaker: LogOrigin, level: str) -> None:
    """Send everything that this process logs to stdout, from `level` on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter(speaker))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)

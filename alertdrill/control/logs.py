"""Write the control API's log, gunicorn's included, as JSON lines on stdout."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger

from .. import VERSION


class LineFormatter(logging.Formatter):
    """Formats a record as one line, as every other program of the stack does."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._origin = {"service": "control", "instance": instance, "version": VERSION}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end; an exception is one of its fields."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "timestamp": now.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._origin,
            **dict.fromkeys(("trace_id", "span_id", "request_id")),
        }
        if record.exc_info and (error := record.exc_info[1]):
            line["exception"] = {
                "type": f"{type(error).__module__}.{type(error).__qualname__}",
                "message": str(error),
                "stack": self.formatException(record.exc_info) + "\n",
            }
        return json.dumps(line)


class LineLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's own log through the root logger."""

    def setup(self, cfg: Any) -> None:
        """Remove the handlers that gunicorn adds."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


def configure(instance: str, level: str) -> None:
    """Log to stdout, from `level` up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter(instance))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)

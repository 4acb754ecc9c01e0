"""Format log lines as JSON, for our programs that do not use the telemetry library."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

from . import VERSION


@dataclass(frozen=True)
class LogOrigin:
    """The program that writes a line."""

    service: str
    instance: str
    version: str = VERSION


def format_line(
    origin: LogOrigin, level: str, message: str, logger: str, error: BaseException | None = None
) -> str:
    """Return one line without its end; `error` is included with its stack."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: dict[str, object] = {
        "timestamp": now,
        "level": level,
        "logger": logger,
        "message": message,
        "service": origin.service,
        "instance": origin.instance,
        "version": origin.version,
        "trace_id": None,
        "span_id": None,
        "request_id": None,
    }
    if error is not None:
        record["exception"] = {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "message": str(error),
            "stack": "".join(traceback.format_exception(error)),
        }
    return json.dumps(record)

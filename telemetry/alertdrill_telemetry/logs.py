"""Log lines on stdout: one JSON object per line."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from flask import Flask, g, request
from pythonjsonlogger.orjson import OrjsonFormatter
from werkzeug.wrappers import Response

from . import context
from .clock import Clock
from .ops_endpoints import is_ops_endpoint
from .settings import TelemetrySettings

CONTRACT_FIELDS = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id", "exception"),
)
# Valid inside JSON, but a terminal interprets C1 controls and some readers split lines at the rest.
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")

access_log = logging.getLogger("access")


class JsonFormatter(OrjsonFormatter):
    """Formats a record as a JSON object on one line; it never raises."""

    def __init__(self, settings: TelemetrySettings, clock: Clock | None = None) -> None:
        super().__init__()
        self._clock = clock or Clock()
        self._identity = {
            "service": settings.service,
            "instance": settings.instance,
            "version": settings.version,
        }

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add a prefix to extra fields whose names belong to the contract."""
        fields = {_text(key): value for key, value in log_data.items()}
        return {
            f"extra_{name}" if name in CONTRACT_FIELDS else name: value
            for name, value in fields.items()
        }

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without a newline."""
        extras: dict[str, Any] = {}
        self.add_fields(extras, record, {})
        line = self._contract_fields(record) | self.process_log_record(extras)
        if record.exc_info and record.exc_info[1]:
            line["exception"] = describe_exception(record.exc_info[1])
        try:
            text = self.jsonify_log_record(line)
        except (TypeError, ValueError, RecursionError):
            # A lone surrogate, a number over 64 bits or a cycle: repr() handles each of them.
            text = self.jsonify_log_record({key: _printable(line[key]) for key in line})
        return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)

    def parse(self) -> list[str]:
        """Return no fields: `_contract_fields` adds those of the contract."""
        return []

    def _contract_fields(self, record: logging.LogRecord) -> dict[str, Any]:
        request_context = context.current()
        timestamp = datetime.fromtimestamp(self._clock.apply_skew(record.created), UTC)
        return {
            "timestamp": timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **self._identity,
            "trace_id": request_context.trace_id if request_context else None,
            "span_id": request_context.span_id if request_context else None,
            "request_id": request_context.request_id if request_context else None,
        }


def describe_exception(error: BaseException) -> dict[str, str]:
    """Return the type, the message and the stack trace of an exception."""
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": _error_message(error),
        "stack": "".join(traceback.format_exception(error)),
    }


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - __str__ may raise anything; the line matters more
        return f"{_safe_repr(record.msg)} % {_safe_repr(record.args)}"


def _error_message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - as above
        return _safe_repr(error)


def _safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - as above; also a number of over 4,300 digits
        return f"<{type(value).__qualname__} without a repr>"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _safe_repr(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable(value: Any) -> str | dict[str, str] | None:
    if value is None:
        return None
    if isinstance(value, dict):  # one level keeps the fields of an exception separate
        return {_text(key): _text(value[key]) for key in value}
    return _text(value)


class LineHandler(logging.Handler):
    """Writes each record with one system call, so that lines of several workers never mix."""

    def __init__(self, count: Callable[[str], None] | None = None, descriptor: int = 1) -> None:
        super().__init__()
        self.count = count
        self._descriptor = descriptor
        self._lock_descriptor: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line and count its level. A closed reader does not end this program."""
        try:
            self._write(self.format(record).encode() + b"\n")
            if self.count is not None:
                self.count(record.levelname)
        except OSError:
            self.handleError(record)

    def _write(self, line: bytes) -> None:
        # Writes of up to 4096 bytes to a pipe are atomic. Lines of other workers could split a
        # longer one, so workers that share stdout use a lock.
        if self._lock_descriptor is not None:
            fcntl.flock(self._lock_descriptor, fcntl.LOCK_EX)
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        finally:
            if self._lock_descriptor is not None:
                fcntl.flock(self._lock_descriptor, fcntl.LOCK_UN)

    def use_file_lock(self, lock_file: str) -> None:
        """Lock a file during each write. Workers that share stdout use the same file."""
        self._lock_descriptor = os.open(lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def configure(
    settings: TelemetrySettings,
    count: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> LineHandler:
    """Write all logs of this process to stdout as JSON lines; return the handler.

    It calls `count` with the level of each line. The timestamps come from `clock`, by default the
    machine's clock.
    """
    handler = LineHandler(count)
    handler.setFormatter(JsonFormatter(settings, clock))
    if shared := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        handler.use_file_lock(os.path.join(shared, "stdout.lock"))  # noqa: PTH118 - a plain name
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, LineHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its access lines would be duplicates
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread
    return handler


def _log_uncaught(
    kind: type[BaseException], error: BaseException, stack: TracebackType | None
) -> None:
    logging.getLogger("process").critical("Uncaught exception", exc_info=(kind, error, stack))


def _log_thread(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value or args.exc_type()
    logging.getLogger("process").error(
        "Uncaught exception in thread %s",
        args.thread.name if args.thread else "?",
        exc_info=(type(error), error, args.exc_traceback),
    )


def init_app(app: Flask) -> None:
    """Log an access line for each request except those to operations endpoints."""

    @app.before_request
    def record_start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_access(response: Response) -> Response:
        if not is_ops_endpoint(request.path):
            level = logging.ERROR if response.status_code >= 500 else logging.INFO
            access_log.log(
                level, "%s %s", request.method, request.path, extra=_access_fields(response)
            )
        return response


def _access_fields(response: Response) -> dict[str, Any]:
    return {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.started) * 1000, 3),
        "client": request.remote_addr,
    }

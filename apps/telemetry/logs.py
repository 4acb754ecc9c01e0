"""One JSON object per line on stdout, whatever is logged."""

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
from .operations import is_operation
from .settings import TelemetrySettings

CONTRACT = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id", "exception"),
)
# Valid inside JSON, yet a terminal acts on C1 controls and some readers split lines at the rest.
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")

access_log = logging.getLogger("access")


class ContractFormatter(OrjsonFormatter):
    """Format a record as the contract's JSON object; never raises and never spans two lines."""

    def __init__(self, settings: TelemetrySettings, clock: Clock | None = None) -> None:
        super().__init__()
        self._clock = clock or Clock()
        self._identity = {
            "service": settings.service,
            "instance": settings.instance,
            "version": settings.version,
        }

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Keep the contract's names for the contract: an extra of such a name gets a prefix."""
        named = {_text(key): value for key, value in log_data.items()}
        return {f"extra_{name}" if name in CONTRACT else name: named[name] for name in named}

    def format(self, record: logging.LogRecord) -> str:
        """Return one line without its end."""
        extras: dict[str, Any] = {}
        self.add_fields(extras, record, {})
        line = self._contract(record) | self.process_log_record(extras)
        if record.exc_info and record.exc_info[1]:
            line["exception"] = describe_exception(record.exc_info[1])
        try:
            text = self.jsonify_log_record(line)
        except (TypeError, ValueError, RecursionError):
            # A lone surrogate, a number over 64 bits, a cycle: repr() can show each of them.
            text = self.jsonify_log_record({key: _printable(line[key]) for key in line})
        return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)

    def parse(self) -> list[str]:
        """Return no fields: the contract is written out in `_contract`."""
        return []

    def _contract(self, record: logging.LogRecord) -> dict[str, Any]:
        now = context.current()
        moment = datetime.fromtimestamp(self._clock.as_seen(record.created), UTC)
        return {
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **self._identity,
            "trace_id": now.trace_id if now else None,
            "span_id": now.span_id if now else None,
            "request_id": now.request_id if now else None,
        }


def describe_exception(error: BaseException) -> dict[str, str]:
    """Return the type, the message and the whole stack of an exception."""
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": _said(error),
        "stack": "".join(traceback.format_exception(error)),
    }


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - any __str__ may be called here; the line matters more
        return f"{_shown(record.msg)} % {_shown(record.args)}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - as above
        return _shown(error)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - as above; also a number of over 4,300 digits
        return f"<{type(value).__qualname__} that can't be shown>"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else _shown(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable(value: Any) -> str | dict[str, str] | None:
    if value is None:
        return None
    if isinstance(value, dict):  # one level, which keeps an exception's fields apart
        return {_text(key): _text(value[key]) for key in value}
    return _text(value)


class LineHandler(logging.Handler):
    """Write each record with one system call, so that lines of several workers never mix."""

    def __init__(self, count: Callable[[str], None] | None = None, descriptor: int = 1) -> None:
        super().__init__()
        self.count = count
        self._descriptor = descriptor
        self._turn: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; count its level. A reader that went away is not this program's end."""
        try:
            self._write(self.format(record).encode() + b"\n")
            if self.count is not None:
                self.count(record.levelname)
        except OSError:
            self.handleError(record)

    def _write(self, line: bytes) -> None:
        # A pipe keeps writes of up to 4096 bytes whole by itself; a longer line could be cut
        # into by another worker, so workers that share stdout take turns.
        if self._turn is not None:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        finally:
            if self._turn is not None:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def take_turns(self, lock_file: str) -> None:
        """Share stdout with the other workers that lock the same file."""
        self._turn = os.open(lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def configure(
    settings: TelemetrySettings,
    count: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> LineHandler:
    """Send everything this process logs to stdout as JSON lines; `count` is told each level.

    The lines carry the time of `clock`, the machine's unless given. Returns what writes them.
    """
    handler = LineHandler(count)
    handler.setFormatter(ContractFormatter(settings, clock))
    if shared := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        handler.take_turns(os.path.join(shared, "stdout.lock"))  # noqa: PTH118 - a plain name
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, LineHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its access lines would be doubles
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
    """Log one access line for each request that is not an operation."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def access(response: Response) -> Response:
        if not is_operation(request.path):
            level = logging.ERROR if response.status_code >= 500 else logging.INFO
            access_log.log(level, "%s %s", request.method, request.path, extra=_fields(response))
        return response


def _fields(response: Response) -> dict[str, Any]:
    return {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.started) * 1000, 3),
        "client": request.remote_addr,
    }

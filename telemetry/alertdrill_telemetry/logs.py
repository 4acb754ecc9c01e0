"""Log lines on stdout: one JSON object per line."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any

from flask.logging import wsgi_errors_stream
from pythonjsonlogger.orjson import OrjsonFormatter

from . import context
from .clock import Clock
from .line_writer import LineWriter
from .settings import TelemetrySettings

CONTRACT_FIELDS = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id", "exception"),
)
# Those of this package, and of the servers.
OWN_LOGGERS = (
    *("faults", "process", "py.warnings", "gunicorn.error", "_granian", "werkzeug"),
    __package__,
)
# Of the line that reports lost lines: the service works, and people have to know.
GAP_LEVEL = logging.WARNING
# The text of an error is for people; a message that repeats the request's body would be long.
MAX_ERROR_LENGTH = 300
# Valid inside JSON, but a terminal interprets C1 controls and some readers split lines at the rest.
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")


def escape(text: str) -> str:
    """Escape in a JSON text the characters that end a line or control a terminal."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


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
        if record.stack_info:
            line["stack_info"] = self.formatStack(record.stack_info)
        return escape(self._encode(line))

    def _encode(self, line: dict[str, Any]) -> str:
        try:
            return self.jsonify_log_record(line)
        except (TypeError, ValueError, RecursionError):
            pass  # a lone surrogate, a number over 64 bits or a cycle
        try:  # numbers of any size stay numbers
            text = json.dumps(line, allow_nan=False, ensure_ascii=False, default=_safe_repr)
            text.encode()
        except (TypeError, ValueError, RecursionError):
            return self.jsonify_log_record({key: _printable(line[key]) for key in line})
        return text

    def parse(self) -> list[str]:
        """Return no fields: `_contract_fields` adds those of the contract."""
        return []

    def _contract_fields(self, record: logging.LogRecord) -> dict[str, Any]:
        request_context = context.current()
        return {
            "timestamp": _timestamp(self._clock.apply_skew(record.created)),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **self._identity,
            "trace_id": request_context.trace_id if request_context else None,
            "span_id": request_context.span_id if request_context else None,
            "request_id": request_context.request_id if request_context else None,
        }


def qualified_name(error: BaseException) -> str:
    """Return the module and the name of an exception's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def describe_error(error: BaseException) -> str:
    """Return the class of an exception and the beginning of its message."""
    return _text(f"{qualified_name(error)}: {_error_message(error)}"[:MAX_ERROR_LENGTH])


def describe_exception(error: BaseException) -> dict[str, str]:
    """Return the type, the message and the stack trace of an exception."""
    return {
        "type": qualified_name(error),
        "message": _error_message(error),
        "stack": "".join(traceback.format_exception(error)),
    }


def _timestamp(seconds: float) -> str:
    time = datetime.fromtimestamp(seconds, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
    """Writes each record as a line; calls `count` with its level, or `count_lost` if it is lost."""

    def __init__(
        self,
        writer: LineWriter,
        count: Callable[[str], None] | None = None,
        count_lost: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.writer = writer
        self.count = count
        self.count_lost = count_lost
        writer.reporter = self

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line and count its level; never raise."""
        try:
            line, level = self.format(record), record.levelname
        except Exception as error:  # noqa: BLE001 - a record may contain anything
            message = f"A record of {_safe_repr(record.name)} has no line: {describe_error(error)}"
            level = "ERROR"
            broken = logging.LogRecord(__package__, logging.ERROR, "", 0, "%s", (message,), None)
            line = self.format(broken)
        if self.writer.write(line.encode() + b"\n") and self.count is not None:
            self.count(level)

    def count_loss(self) -> None:
        """Count a line that could not be written."""
        if self.count_lost is not None:
            self.count_lost()

    def describe_gap(self, lost: int, since: float) -> bytes:
        """Return the line that reports lost lines; `since` is in seconds since 1970."""
        lines = "1 log line was" if lost == 1 else f"{lost} log lines were"
        first = _timestamp(since)
        message = f"{lines} lost since {first}: stdout could not be written."
        record = logging.LogRecord(__package__, GAP_LEVEL, "", 0, message, None, None)
        record.lost_lines, record.lost_since = lost, first
        return self.format(record).encode() + b"\n"

    def count_gap_line(self) -> None:
        """Count the line that reports lost lines."""
        if self.count is not None:
            self.count(logging.getLevelName(GAP_LEVEL))


def configure(
    settings: TelemetrySettings,
    count: Callable[[str], None] | None = None,
    clock: Clock | None = None,
    count_lost: Callable[[], None] | None = None,
) -> LineHandler:
    """Write all logs of this process to stdout as JSON lines; return the handler.

    It calls `count` with the level of each line, and `count_lost` for one that could not be
    written. The timestamps come from `clock`, by default the machine's clock.
    """
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    writer = LineWriter(lock_file=shared and f"{shared}/stdout.lock", clock=clock)
    handler = LineHandler(writer, count, count_lost)
    handler.setFormatter(JsonFormatter(settings, clock))
    handler.addFilter(lambda record: not _is_access_line(record))
    install(handler, settings.log_level)
    logging.captureWarnings(True)
    if getattr(sys.excepthook, "func", None) is not _log_uncaught:
        sys.excepthook = partial(_log_uncaught, sys.excepthook)
    if getattr(threading.excepthook, "func", None) is not _log_thread:
        threading.excepthook = partial(_log_thread, threading.excepthook)
    return handler


def install(handler: LineHandler, level: str, loggers: Collection[str] = ()) -> None:
    """Make `handler` the only one that writes to stdout or stderr, for all loggers.

    Handlers for files and other destinations stay. `loggers` are enabled again: `dictConfig`
    disables every existing logger by default.
    """
    root = logging.getLogger()
    root.setLevel(level)
    for logger in _loggers():
        replaced = [h for h in logger.handlers if h is not handler and writes_lines(h)]
        for other in replaced:
            logger.removeHandler(other)
            if isinstance(other, LineHandler):
                other.close()
                other.writer.close()
        if handler not in logger.handlers and (
            logger is root or (replaced and not logger.propagate)
        ):
            logger.addHandler(handler)
    for name in (*OWN_LOGGERS, *loggers):
        logging.getLogger(name).disabled = False


def text_loggers() -> Sequence[str]:
    """Return the names of the loggers that write text to stdout or stderr.

    This reads all loggers: a thousand take 0.2 ms.
    """
    return [
        logger.name
        for logger in _loggers()
        if logger.handlers  # most have none
        and any(writes_lines(h) and not isinstance(h, LineHandler) for h in logger.handlers)
    ]


def _loggers() -> Sequence[logging.Logger]:
    root = logging.getLogger()
    by_name = list(root.manager.loggerDict.values())
    return [root, *(item for item in by_name if isinstance(item, logging.Logger))]


def _is_access_line(record: logging.LogRecord) -> bool:
    """Return whether it is the line of `flask run` for a request, which has a line of ours."""
    return record.name == "werkzeug" and " - - [" in str(record.msg)


def writes_lines(handler: logging.Handler) -> bool:
    """Return whether it writes to stdout or stderr: as text, or for an earlier application."""
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, wsgi_errors_stream)
    return isinstance(handler, LineHandler) or (
        isinstance(handler, logging.StreamHandler)
        and any(handler.stream is stream for stream in streams)
    )


def _log_uncaught(
    earlier: Callable[..., object],
    kind: type[BaseException],
    error: BaseException,
    stack: TracebackType | None,
) -> None:
    """Write a line, then call the hook that was set before, unless it is Python's own."""
    is_line = not issubclass(kind, KeyboardInterrupt)  # a person ends the program
    if is_line:
        logging.getLogger("process").critical("Uncaught exception", exc_info=(kind, error, stack))
    if not (is_line and earlier is sys.__excepthook__):
        earlier(kind, error, stack)


def _log_thread(earlier: Callable[..., object], args: threading.ExceptHookArgs) -> None:
    """Do the same for a thread."""
    error = args.exc_value or args.exc_type()
    if not isinstance(error, SystemExit):  # a thread that ends, such as the one of a reloader
        logging.getLogger("process").error(
            "Uncaught exception in thread %s",
            args.thread.name if args.thread else "?",
            exc_info=(type(error), error, args.exc_traceback),
        )
    if earlier is not threading.__excepthook__:
        earlier(args)

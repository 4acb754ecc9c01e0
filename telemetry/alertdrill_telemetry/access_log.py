"""The access line of each request, formatted without a log record: it is most of what we write."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from .clock import Clock
from .log_guard import LogGuard
from .logs import LineWriter, escape
from .metrics import Metrics
from .settings import TelemetrySettings

if TYPE_CHECKING:
    from .middleware import Exchange

# Levels that show a line of level INFO, or only errors.
SHOW_ALL, SHOW_ERRORS = ("DEBUG", "INFO"), ("WARNING", "ERROR")


class AccessLog:
    """Writes the access lines that the settings' level shows.

    `suppressed` returns whether the fault `log_silence` drops the next line.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        writer: LineWriter,
        metrics: Metrics,
        clock: Clock,
        guard: LogGuard,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._guard = guard
        self._proxies = settings.trusted_proxies
        self.suppressed: Callable[[], bool] = lambda: False
        self._levels = {
            False: settings.log_level in SHOW_ALL,
            True: settings.log_level in SHOW_ALL + SHOW_ERRORS,
        }
        identity = {
            "service": settings.service,
            "instance": settings.instance,
            "version": settings.version,
        }
        # From `"logger"` to `"version"`: equal in all lines but for the message.
        self._identity = escape(orjson.dumps(identity).decode())[1:-1]
        self._lines = metrics.access_log_lines if self._levels[False] else None
        self._records = {
            True: metrics.log_records.labels(level="ERROR"),
            False: metrics.log_records.labels(level="INFO"),
        }
        self._second = (0, "")

    def write(self, exchange: Exchange, seconds: float, *, is_error: bool) -> None:
        """Write the line of a request that took `seconds`, and count it."""
        self._guard.check()
        if not self._levels[is_error] or self.suppressed():
            return
        line = self._format(exchange, seconds, is_error=is_error)
        if self._writer.write(line.encode()):
            self._records[is_error].inc()
            if self._lines is not None:
                self._lines.inc()

    def _format(self, exchange: Exchange, seconds: float, *, is_error: bool) -> str:
        method = _json(exchange.environ["REQUEST_METHOD"])
        path = _json(_decode(exchange.path))
        route = "null" if exchange.rule is None else f'"{_json(exchange.rule)}"'
        client = self._client(exchange)
        error = exchange.error or exchange.exception
        more = f',"protocol":"{exchange.protocol}"' if exchange.protocol else ""
        if error is not None:
            more += f',"error":"{_json(error)}"'
        return (
            f'{{"timestamp":"{self._timestamp()}","level":"{"ERROR" if is_error else "INFO"}",'
            f'"logger":"access","message":"{method} {path}",{self._identity},'
            f'"trace_id":"{exchange.trace_id}","span_id":"{exchange.span_id}",'
            f'"request_id":"{exchange.request_id}","method":"{method}","route":{route},'
            f'"path":"{path}","status":{exchange.status},"duration_ms":{seconds * 1000:.3f},'
            f'"client":"{_json(client)}"{more}}}\n'
        )

    def _timestamp(self) -> str:
        now = self._clock.now()
        whole = int(now)
        second, text = self._second  # one tuple, since threads share it
        if second != whole:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._second = (whole, text)
        return f"{text}.{int((now - whole) * 1000):03d}Z"

    def _client(self, exchange: Exchange) -> str:
        """Return the client's address: the one that the outermost trusted proxy has seen."""
        address: str = exchange.environ.get("REMOTE_ADDR", "")
        if self._proxies:
            chain = exchange.environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
            if len(chain) >= self._proxies:
                address = chain[-self._proxies].strip() or address
        return address


def _decode(path: str) -> str:
    """Return the text of a path, whose bytes WSGI passes as Latin-1."""
    return path if path.isascii() else path.encode("latin-1", "replace").decode(errors="replace")


def _json(text: str) -> str:
    """Return the content of a JSON string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return escape(orjson.dumps(text).decode()[1:-1])

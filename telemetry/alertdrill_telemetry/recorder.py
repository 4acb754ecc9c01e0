"""Record each request that has ended: its metrics, and its access line.

This is the part that every request pays for. It formats the line without a log record, keeps the
counters and texts that requests share, and calls few functions.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import Counter, Histogram

from .clock import Clock, no_skew
from .exporter import METHODS, OTHER_METHOD, UNMATCHED, MetricsExporter
from .log_guard import LogGuard
from .logs import LineHandler, escape
from .settings import TelemetrySettings

if TYPE_CHECKING:
    from .middleware import Exchange

# A scrape reads the latest exemplar of each bucket, every few seconds. Slow requests, the ones that
# people look for, always leave theirs; of the others a few suffice, since an exemplar takes longer
# than all other counting.
SLOW_S, EXEMPLAR_INTERVAL_S = 0.1, 0.1


Increment = Callable[[float], None]


class _Series:
    """What requests of one method, route, status and level share.

    The values behind the counters are incremented directly: their public methods first check, at
    each call, whether labels are missing.
    """

    def __init__(self, total: Counter, duration: Histogram, line: str) -> None:
        self.count: Increment = total._value.inc
        self.add_seconds: Increment = duration._sum.inc
        self.count_bucket: list[Increment] = [bucket.inc for bucket in duration._buckets]
        self.duration = duration
        self.line = line
        self.last_exemplar = 0.0


class Recorder:
    """Records requests; `is_silent` is the fault that drops lines, None without faults."""

    def __init__(
        self,
        settings: TelemetrySettings,
        exporter: MetricsExporter,
        handler: LineHandler,
        guard: LogGuard,
        clock: Clock,
    ) -> None:
        self.is_silent: Callable[[], bool] | None = None
        self._exporter = exporter
        self._bounds = exporter.bounds
        self._write = handler.writer.write
        self._guard = guard
        self._handler = handler
        self._root = logging.getLogger()
        self._level = logging.getLevelNamesMapping()[settings.log_level]
        self._clock = clock
        self._proxies = settings.trusted_proxies
        self._shows_all = settings.logs_requests
        self._shows_errors = settings.log_level != "CRITICAL"
        identity = {
            "service": settings.service,
            "instance": settings.instance,
            "version": settings.version,
        }
        self._identity = escape(orjson.dumps(identity).decode())[1:-1].replace("%", "%%")
        metrics = exporter.contract
        lines = metrics.access_log_lines
        self._count_line = lines._value.inc if lines is not None else None
        self._count_info = metrics.log_records.labels(level="INFO")._value.inc
        self._count_error = metrics.log_records.labels(level="ERROR")._value.inc
        self._series: dict[tuple[str, str | None, str, bool], _Series] = {}
        self._second = (0, "")

    def record(self, exchange: Exchange, now: float, *, broken: bool) -> None:
        """Record a request that ended at `now`, a time of `time.perf_counter()`.

        `broken` tells that its response is not complete.
        """
        seconds = now - exchange.started
        status = exchange.status
        method: str = exchange.environ["REQUEST_METHOD"]
        is_error = broken or status >= "500"
        label = method if method in METHODS else OTHER_METHOD
        key = (label, exchange.rule, status, is_error)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._create(key)
        series.count(1)
        if exchange.protocol is None:  # a connection that stays open is not slow
            if seconds >= SLOW_S or now - series.last_exemplar >= EXEMPLAR_INTERVAL_S:
                series.last_exemplar = now
                series.duration.observe(seconds, {"trace_id": exchange.trace_id})
            else:
                series.add_seconds(seconds)
                series.count_bucket[bisect_left(self._bounds, seconds)](1)
        if broken or (exchange.exception is not None and status >= "500"):
            self._exporter.exceptions.labels(label, status).inc()

        if self._handler not in self._root.handlers or self._root.level != self._level:
            self._guard.repair()
        if not (self._shows_errors if is_error else self._shows_all):
            return
        if self.is_silent is not None and self.is_silent():
            return
        line = self._format(exchange, series, method if label is method else _json(method), seconds)
        if self._write(line.encode()):
            (self._count_error if is_error else self._count_info)(1)
            if self._count_line is not None:
                self._count_line(1)

    def _create(self, key: tuple[str, str | None, str, bool]) -> _Series:
        method, rule, status, is_error = key
        level = "ERROR" if is_error else "INFO"
        route = "null" if rule is None else f'"{_json(rule)}"'.replace("%", "%%")
        return _Series(
            self._exporter.total.labels(method, status),
            self._exporter.duration.labels(method, rule or UNMATCHED, status),
            f'{{"timestamp":"%s.%03dZ","level":"{level}","logger":"access","message":"%s %s",'
            f'{self._identity},"trace_id":"%s","span_id":"%s","request_id":"%s","method":"%s",'
            f'"path":"%s","route":{route},"status":{status},"duration_ms":%.3f,"client":"%s"%s}}\n',
        )

    def _format(self, exchange: Exchange, series: _Series, method: str, seconds: float) -> str:
        path = exchange.path
        path = _json(path if path.isascii() else _decode(path))
        now = exchange.sent_at or time.time()
        if self._clock.skew is not no_skew:
            now = self._clock.apply_skew(now)
        whole = int(now)
        second, text = self._second  # one tuple, since threads share it
        if second != whole:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._second = (whole, text)
        client = exchange.environ.get("REMOTE_ADDR", "")
        if self._proxies:
            client = _json(_client(exchange.environ, self._proxies) or client)
        more = ""
        if exchange.protocol is not None:
            more = f',"protocol":"{exchange.protocol}"'
        error = exchange.error or exchange.exception
        if error is not None:
            more += f',"error":"{_json(error)}"'
        return series.line % (
            *(text, (now - whole) * 1000, method, path),
            *(exchange.trace_id, exchange.span_id, exchange.request_id, method, path),
            *(seconds * 1000, client, more),
        )


def _client(environ: dict[str, Any], proxies: int) -> str | None:
    """Return the client's address that the outermost of the trusted proxies has seen."""
    chain = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return chain[-proxies].strip() if len(chain) >= proxies else None


def _decode(path: str) -> str:
    """Return the text of a path, whose bytes WSGI passes as Latin-1."""
    return path.encode("latin-1", "replace").decode(errors="replace")


def _json(text: str) -> str:
    """Return the content of a JSON string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return escape(orjson.dumps(text).decode()[1:-1])

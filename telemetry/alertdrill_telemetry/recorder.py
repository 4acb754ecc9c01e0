"""Record each request that has ended: its metrics, and its access line.

This is the part that every request pays for. It formats the line without a log record, and counts
requests together.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from .clock import Clock, no_skew
from .exporter import METHODS, OTHER_METHOD, UNMATCHED, MetricsExporter
from .log_guard import LogGuard
from .logs import LineHandler, escape, text_loggers
from .metrics import multiprocess_dir
from .settings import TelemetrySettings

if TYPE_CHECKING:
    from .middleware import Exchange

logger = logging.getLogger(__package__)

# A scrape reads the latest exemplar of each bucket, every few seconds. Slow requests, the ones that
# people look for, always leave theirs; of the others a sample suffices.
SLOW_S, SAMPLE_INTERVAL_S = 0.1, 0.1
# The metrics are updated when they are read, and when a series has this number of pending requests.
MAX_PENDING = 100
# How often all loggers are read.
CHECK_INTERVAL_S = 1.0
# A lookup takes a third of the time of formatting.
_THREE_DIGITS = [f"{number:03}" for number in range(1000)]


class _Series:
    """What requests of one method, route, status and level share.

    `seconds` has the durations of requests that are not in the metrics yet, and `lines` an item
    for each access line that is not: threads append without a lock.
    """

    def __init__(
        self, total: Counter, duration: Histogram, lines: list[Counter], start: str, end: str
    ) -> None:
        self.total = total
        self.duration = duration
        self.line_counters = lines
        # The parts of the access line before the message, and after the path.
        self.start = start
        self.end = end
        self.sampled_at = 0.0
        self.seconds: deque[float] = deque()
        self.lines: deque[None] = deque()

    def keep_exemplar(self, seconds: float, bucket: int, trace_id: str) -> None:
        """Make a request the exemplar of its bucket."""
        exemplar = Exemplar({"trace_id": trace_id}, seconds, time.time())
        self.duration._buckets[bucket].set_exemplar(exemplar)

    def count(self, bounds: Sequence[float]) -> None:
        """Count the pending requests and lines. A lock must prevent concurrent calls."""
        seconds = [self.seconds.popleft() for _ in range(len(self.seconds))]
        if seconds:
            self.total.inc(len(seconds))
            self.duration._sum.inc(sum(seconds))
            for bucket, requests in Tally(bisect_left(bounds, s) for s in seconds).items():
                self.duration._buckets[bucket].inc(requests)
        lines = len(self.lines)
        for _ in range(lines):
            self.lines.popleft()
        for counter in self.line_counters:
            counter.inc(lines)


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
        self._root = logging.getLogger()
        self._level = logging.getLevelNamesMapping()[settings.log_level]
        self._clock = clock
        self._proxies = settings.trusted_proxies
        shows_errors = settings.log_level != "CRITICAL"
        self._shown = {False: settings.logs_requests, True: shows_errors}
        identity = {
            "service": settings.service,
            "instance": settings.instance,
            "version": settings.version,
        }
        self._identity = f'",{escape(orjson.dumps(identity).decode())[1:-1]},"trace_id":"'
        self._series: dict[tuple[str, str | None, str, bool], _Series] = {}
        self._second = (0, "")
        self._checked_at = 0.0
        # With several workers the metrics are in files, which survive a killed worker.
        self._max_pending = 1 if multiprocess_dir() else MAX_PENDING
        self._lock = threading.Lock()
        # Requests that no server has closed.
        self.abandoned: deque[Exchange] = deque()
        self._abandoned_lock = threading.Lock()
        own = exporter.contract
        affected = (exporter.total, exporter.duration, own.log_records, own.access_log_lines)
        for metric in filter(None, (own.in_flight, *affected)):
            self._count_before(metric)

    def record(self, exchange: Exchange, now: float) -> None:
        """Record a request that ended at `now`, a time of `time.perf_counter()`."""
        seconds = now - exchange.started
        method = exchange.method
        label = method if method in METHODS else OTHER_METHOD
        status = exchange.status
        is_error = exchange.broken or status >= "500"
        key = (label, exchange.rule, status, is_error)
        series = self._series.get(key)
        if series is None:
            series = self._create(key)
        if not exchange.is_tracked:
            pass
        elif exchange.protocol is None:
            series.seconds.append(seconds)
            if len(series.seconds) >= self._max_pending:
                self._count(series)
            if seconds >= SLOW_S or now - series.sampled_at >= SAMPLE_INTERVAL_S:
                self._sample(series, seconds, now, exchange.trace_id)
        else:  # a connection that stays open is not slow
            series.total.inc()
        failed = exchange.broken or (exchange.exception is not None and is_error)
        if failed and exchange.is_tracked:
            self._exporter.exceptions.labels(label, status).inc()

        if self._shown[is_error] and (self.is_silent is None or not self.is_silent()):
            method = label if label is method else _json(method)
            if self._write(self._format(exchange, series, method, seconds).encode()):
                series.lines.append(None)
        if len(series.lines) >= self._max_pending:
            self._count(series)

    def _count(self, series: _Series) -> None:
        with self._lock:
            series.count(self._bounds)

    def _sample(self, series: _Series, seconds: float, now: float, trace_id: str) -> None:
        """Do what is too slow for every request: an exemplar, checks and cleanup."""
        series.sampled_at = now
        series.keep_exemplar(seconds, bisect_left(self._bounds, seconds), trace_id)
        if self._root.level != self._level or not self._guard.is_intact():
            self._guard.repair()
        if now - self._checked_at >= CHECK_INTERVAL_S:
            self._checked_at = now
            self._replace_text_handlers()
        self._end_abandoned()

    def _replace_text_handlers(self) -> None:
        names = text_loggers()
        if names:
            self._guard.install()
            self._exporter.contract.log_repairs.inc()
            logger.warning(
                "Handlers for text were added after init_app to the loggers %s: they write JSON"
                " now. Configure logging before init_app, or use dictConfig.",
                ", ".join(names),
            )

    def _end_abandoned(self) -> None:
        # Each of them is recorded, which may lead back here.
        if self._abandoned_lock.acquire(blocking=False):
            try:
                while self.abandoned:
                    self.abandoned.popleft().end()
            finally:
                self._abandoned_lock.release()

    def _count_before(self, metric: Collector) -> None:
        """Count the pending requests whenever a metric is read, alone or with others."""
        collect = metric.collect

        def count_and_collect() -> Iterable[Metric]:
            self.count_pending()
            return collect()

        metric.collect = count_and_collect  # type: ignore[method-assign]

    def count_pending(self) -> None:
        """Count the requests that are not in the metrics yet."""
        self._end_abandoned()
        with self._lock:
            for series in list(self._series.values()):
                series.count(self._bounds)

    def _create(self, key: tuple[str, str | None, str, bool]) -> _Series:
        method, rule, status, is_error = key
        if not status.isdigit():  # such as `return "", 7`, which most servers refuse
            status = "0"
        level = "ERROR" if is_error else "INFO"
        route = "null" if rule is None else f'"{_json(rule)}"'
        metrics = self._exporter.contract
        lines = [metrics.log_records.labels(level=level)]
        if metrics.access_log_lines is not None:
            lines.append(metrics.access_log_lines)
        series = _Series(
            self._exporter.total.labels(method, status),
            self._exporter.duration.labels(method, rule or UNMATCHED, status),
            lines,
            start=f'Z","level":"{level}","logger":"access","message":"',
            end=f'","route":{route},"status":{status},"duration_ms":',
        )
        return self._series.setdefault(key, series)  # another thread may have been first

    def _format(self, exchange: Exchange, series: _Series, method: str, seconds: float) -> str:
        now = exchange.sent_at or time.time()
        if self._clock.skew is not no_skew:
            now = self._clock.apply_skew(now)
        whole = int(now)
        second, time_text = self._second  # one tuple, since threads share it
        if second != whole:
            time_text = time.strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.', time.gmtime(whole))
            self._second = (whole, time_text)
        microseconds = int(seconds * 1e6)
        path = exchange.path
        path = _json(path if path.isascii() else _decode(path))
        client = exchange.client
        if self._proxies:
            client = _client(exchange.environ, self._proxies) or client
        client = _json(client)
        end = "}\n"
        error = exchange.error or exchange.exception
        if error is not None:
            end = f',"error":"{_json(error)}"}}\n'
        if exchange.protocol is not None:
            end = f',"protocol":"{exchange.protocol}"{end}'
        return (
            f"{time_text}{_THREE_DIGITS[int((now - whole) * 1000)]}{series.start}{method} {path}"
            f'{self._identity}{exchange.trace_id}","span_id":"{exchange.span_id}","request_id":"'
            f'{exchange.request_id}","method":"{method}","path":"{path}{series.end}'
            f'{microseconds // 1000}.{_THREE_DIGITS[microseconds % 1000]},"client":"{client}"{end}'
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

"""The metrics of the telemetry contract, declared in one class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from . import context
from .clock import Clock

# From 5 ms (one hop on one machine) to 10 s (longer than every timeout of the stack). An
# objective that equals a bucket's bound is measured exactly.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Python's levels. A line below LOG_LEVEL is not written, so it is not counted.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# The metrics that prometheus-flask-exporter declares.
DURATION = "flask_http_request_duration_seconds"
TOTAL, EXCEPTIONS = "flask_http_request_total", "flask_http_request_exceptions_total"
EXPORTER_METRICS = ("flask_exporter_info", DURATION, EXCEPTIONS, TOTAL)
# Connections that stay open: server-sent events and WebSockets.
SSE, WEBSOCKET = "sse", "websocket"

Combine = Literal["livesum", "livemax"]
# The label values of a sample, and its value.
Sample = tuple[Sequence[str], float]


class ExemplarHistogram(Histogram):
    """A histogram whose observations carry the current trace id as their exemplar."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Observe `amount` with the trace id of the current request as its exemplar."""
        request_context = context.current()
        if exemplar is None and request_context is not None:
            exemplar = {"trace_id": request_context.trace_id}
        super().observe(amount, exemplar)


class CallbackGauge(Collector):
    """A gauge whose samples come from `read` at each scrape. Without samples it is not exposed.

    The worker that answers the scrape calls `read`, so values of other workers are not included.
    """

    def __init__(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Iterable[Sample]]
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.read = read
        self._text = text

    def describe(self) -> Iterable[Metric]:
        """Return the metric without samples, for a scrape that selects metrics by name."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """Return the metric with its samples."""
        family = self._family()
        for labels, value in self.read():
            family.add_metric(labels, value)
        return [family] if family.samples else []

    def _family(self) -> GaugeMetricFamily | CounterMetricFamily:
        return GaugeMetricFamily(self.name, self._text, labels=self.labels)


class CallbackCounter(CallbackGauge):
    """A counter whose samples come from `read` at each scrape."""

    def _family(self) -> CounterMetricFamily:
        return CounterMetricFamily(self.name, self._text, labels=self.labels)


class Metrics:
    """The contract's metrics in one registry.

    If `PROMETHEUS_MULTIPROC_DIR` is set, each worker exposes the sum over all workers of the
    instance. `clock` is the machine's clock by default. `logs_requests`: whether every request has
    an access line.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        clock: Clock | None = None,
        *,
        logs_requests: bool = True,
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self.callback_gauges: list[CallbackGauge] = []
        clock = clock or Clock()
        self.app_clock = self.callback_gauge(
            "app_clock_seconds",
            "Wall clock of the instance, in seconds since 1970, when it was scraped.",
            read=lambda: [((), clock.now())],
        )
        self.fault_series = self.callback_gauge(
            "fault_series", "Series that the fault `cardinality` adds.", ("number",)
        )
        self.in_flight = self.callback_gauge(
            "http_requests_in_flight",
            "Requests in flight, without the operations endpoints.",
            read=lambda: [((), 0.0)],
        )
        open_connections = self.gauge(
            "http_connections_open",
            "Open connections that are no request and answer, by protocol: sse or websocket.",
            ("protocol",),
        )
        self.open_connections = {
            protocol: open_connections.labels(protocol=protocol) for protocol in (SSE, WEBSOCKET)
        }
        self.client_duration = self.histogram(
            "http_client_request_duration_seconds",
            "Duration of calls to other services; status is `error` without a response.",
            ("peer", "method", "status"),
        )
        self.breaker_open = self.gauge(
            "circuit_breaker_open",
            "1 while the circuit breaker to the peer is open.",
            ("peer",),
            mode="livemax",
        )
        self.log_records = self.counter("log_records_total", "Log lines, by level.", ("level",))
        for level in LEVELS:  # at 0 from the start, so that the first error is an increase
            self.log_records.labels(level=level)
        self.log_lines_lost = self.counter(
            "log_lines_lost_total", "Log lines that could not be written to stdout."
        )
        # Absent where the level hides access lines, so that no alert misses them.
        self.access_log_lines = (
            self.counter("access_log_lines_total", "Access lines of requests written to the log.")
            if logs_requests
            else None
        )
        self.log_repairs = self.counter(
            "log_configuration_repairs_total",
            "How often JSON logging was restored after the application had configured logging.",
        )
        self.fault_active = self.gauge(
            "fault_active", "1 while the fault is switched on.", ("kind",), mode="livemax"
        )
        self.app_info = self.gauge(
            "app_info",
            "Always 1; its labels have the version.",
            ("service", "version"),
            mode="livemax",
        )
        if not multiprocess_dir():
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Declare a counter. Its name must end in `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(
        self, name: str, text: str, labels: Sequence[str] = (), mode: Combine = "livesum"
    ) -> Gauge:
        """Declare a gauge; `mode` tells how to combine the values of several workers."""
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode=mode)

    def callback_gauge(
        self,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        read: Callable[[], Iterable[Sample]] = list,
    ) -> CallbackGauge:
        """Declare a gauge whose samples `read` returns at each scrape."""
        return self._register(CallbackGauge(name, text, labels, read))

    def callback_counter(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Iterable[Sample]]
    ) -> CallbackGauge:
        """Declare a counter whose samples `read` returns at each scrape."""
        return self._register(CallbackCounter(name, text, labels, read))

    def _register(self, gauge: CallbackGauge) -> CallbackGauge:
        self.registry.register(gauge)
        self.callback_gauges.append(gauge)
        return gauge

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS
    ) -> Histogram:
        """Declare a histogram with exemplars. Its name must contain the unit."""
        return ExemplarHistogram(name, text, labels, buckets=buckets, registry=self.registry)


def multiprocess_dir() -> Path | None:
    """Return the metrics folder that the workers share; None with a single worker."""
    value = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(value) if value else None

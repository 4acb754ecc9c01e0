"""Every metric of the contract, declared in one class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from . import context
from .clock import Clock

# From 5 ms (one hop on one machine) to 10 s (every time limit of the stack has passed by then);
# an objective that is a bucket's bound is measured exactly.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Python's own; a line below LOG_LEVEL is not written and so not counted.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# What the exporter declares by itself; the names are its own, the labels ours (see exposition.py).
EXPORTER_METRICS = (
    "flask_exporter_info",
    "flask_http_request_duration_seconds",
    "flask_http_request_exceptions_total",
    "flask_http_request_total",
)

Combine = Literal["livesum", "livemax"]
# The values of a sample's labels, and its own.
Sample = tuple[Sequence[str], float]

# The `_created` samples of OpenMetrics would double the number of series and nothing reads them.
disable_created_metrics()


class TracedHistogram(Histogram):
    """A histogram whose observations carry the current trace id as their exemplar."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Count `amount`, in the unit of the metric, under the trace of the request at hand."""
        now = context.current()
        if exemplar is None and now is not None:
            exemplar = {"trace_id": now.trace_id}
        super().observe(amount, exemplar)


class ComputedGauge(Collector):
    """A gauge that `read` works out at a scrape; one without samples is not shown at all.

    The worker that answers the scrape reads it, so it has no values of other workers in it.
    """

    def __init__(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Iterable[Sample]]
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.read = read
        self._text = text

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the metric, for a scrape that asks for some by name."""
        return [self._family()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the samples."""
        family = self._family()
        for labels, value in self.read():
            family.add_metric(labels, value)
        return [family] if family.samples else []

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self.name, self._text, labels=self.labels)


class Metrics:
    """The contract's metrics in one registry.

    With `PROMETHEUS_MULTIPROC_DIR` set, the workers of one instance add up: whichever of them
    answers a scrape speaks for all. `clock` is the machine's unless given.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, clock: Clock | None = None
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self.computed: list[ComputedGauge] = []
        clock = clock or Clock()
        self.app_clock = self.computed_gauge(
            "app_clock_seconds",
            "Wall clock of the instance, in seconds since 1970, when it was scraped.",
            read=lambda: [((), clock.now())],
        )
        self.fault_series = self.computed_gauge(
            "fault_series", "What the fault `cardinality` adds, and nothing else.", ("number",)
        )
        self.in_flight = self.gauge(
            "http_requests_in_flight", "Requests being served now, operations excluded."
        )
        self.client_duration = self.histogram(
            "http_client_request_duration_seconds",
            "Duration of calls to other services; status is `error` where none arrived.",
            ("peer", "method", "status"),
        )
        self.breaker_open = self.gauge(
            "circuit_breaker_open",
            "1 while calls to the peer are refused here.",
            ("peer",),
            mode="livemax",
        )
        self.log_records = self.counter("log_records_total", "Lines logged, by level.", ("level",))
        for level in LEVELS:  # from the start, so that the first error is an increase
            self.log_records.labels(level=level)
        self.fault_active = self.gauge(
            "fault_active", "1 while the fault is switched on.", ("kind",), mode="livemax"
        )
        self.app_info = self.gauge(
            "app_info", "Always 1; says what runs.", ("service", "version"), mode="livemax"
        )
        if not multiprocess_dir():
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Declare a counter; its name ends in `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(
        self, name: str, text: str, labels: Sequence[str] = (), mode: Combine = "livesum"
    ) -> Gauge:
        """Declare a gauge; `mode` says how the workers of an instance combine."""
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode=mode)

    def computed_gauge(
        self,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        read: Callable[[], Iterable[Sample]] = list,
    ) -> ComputedGauge:
        """Declare a gauge that `read` works out when it is scraped."""
        gauge = ComputedGauge(name, text, labels, read)
        self.registry.register(gauge)
        self.computed.append(gauge)
        return gauge

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS
    ) -> Histogram:
        """Declare a histogram with exemplars; its name says the unit."""
        return TracedHistogram(name, text, labels, buckets=buckets, registry=self.registry)


def multiprocess_dir() -> Path | None:
    """Return the folder that the workers of this instance share, None with a single worker."""
    value = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(value) if value else None

"""Count requests and expose metrics, through prometheus-flask-exporter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, multiprocess
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_flask_exporter import PrometheusMetrics

from .context import current
from .drain import DrainState
from .errors import TelemetryError
from .metrics import BUCKETS, DURATION, EXCEPTIONS, TOTAL, Metrics, multiprocess_dir

View = TypeVar("View", bound=Callable[..., Any])
UNMATCHED = "unmatched"
# RFC 9110 and RFC 5789. All other methods become one value, as in OpenTelemetry's
# http.request.method: the method is a label, and the client chooses it.
METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
)
OTHER_METHOD = "_OTHER"


def url_rule(matched: Request) -> str:
    """Return the route of a request. The exporter uses this function's name as the label."""
    return matched.url_rule.rule if matched.url_rule else UNMATCHED


# Collectors whose values are of one worker, or in the files that all workers share.
PER_PROCESS = (MetricWrapperBase, ProcessCollector, PlatformCollector, GCCollector)


class _NoHooks:
    """Stands for an application, so that the exporter declares its metrics and adds no hooks."""

    def before_request(self, _hook: object) -> None: ...
    def after_request(self, _hook: object) -> None: ...
    def teardown_request(self, _hook: object) -> None: ...


class MetricsExporter(PrometheusMetrics):  # type: ignore[misc]
    """The exporter's metrics, decorators and exposition, without its hooks and its view.

    The exposition has the metrics of the contract, then those that the application declares in
    the default registry of prometheus_client. Raises `TelemetryError` if the application has an
    exporter of its own.
    """

    def __init__(self, metrics: Metrics, drain: DrainState) -> None:
        if TOTAL in REGISTRY._names_to_collectors:
            raise TelemetryError(
                "The application has a Prometheus exporter of its own: remove it, since"
                " alertdrill_telemetry exposes the same metrics."
            )
        super().__init__(None, path=None, export_defaults=False, registry=metrics.registry)
        self.export_defaults(buckets=BUCKETS, group_by=url_rule, app=_NoHooks())
        self.contract = metrics
        self._drain = drain
        declared: dict[str, Any] = metrics.registry._names_to_collectors
        self.total: Counter = declared[TOTAL]
        self.exceptions: Counter = declared[EXCEPTIONS]
        self.duration: Histogram = declared[DURATION]
        # The upper bounds of the histogram's buckets; the last is infinite.
        self.bounds: Sequence[float] = self.duration._upper_bounds

    def do_not_track(self) -> Callable[[View], View]:
        """Decorate a view whose requests are not counted; they still have access lines."""

        def decorate(view: View) -> View:
            @wraps(view)
            def untracked(*args: Any, **kwargs: Any) -> Any:
                context = current()
                if context is not None:
                    context.is_tracked = False
                return view(*args, **kwargs)

            return cast("View", untracked)

        return decorate

    def generate_metrics(
        self, accept_header: str | None = None, names: list[str] | None = None
    ) -> tuple[str, str]:
        """Return the exposition and its content type. OpenMetrics has exemplars."""
        self._drain.record_scrape()
        collectors: list[Collector] = [_WithoutCreated(self.registry)]
        # Besides ours, those that the application has declared in the default registry.
        others = list(REGISTRY._collector_to_names)
        if shared := multiprocess_dir():
            collectors = [WorkerFiles(shared), WorkerProcesses(shared)]
            collectors += self.contract.callback_gauges
            # The files of the workers have the other metrics of both registries.
            others = [other for other in others if not isinstance(other, PER_PROCESS)]
        encode, content_type = choose_encoder(accept_header or "")
        return encode(_Exposition([*collectors, *others], names)).decode(), content_type


class _WithoutCreated(Collector):
    """The metrics of a registry, without the `_created` samples.

    Nothing reads these, and they double the number of series.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """Yield each metric."""
        for metric in self._registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


class _Exposition:
    """The metrics of several collectors; of two metrics of one name it has the first."""

    def __init__(self, collectors: Sequence[Collector], names: list[str] | None) -> None:
        self._collectors = collectors
        self._selected = set(names or ())

    def collect(self) -> Iterable[Metric]:
        """Yield every metric once; of a selection only the samples with these names."""
        seen = set()
        for metric in (metric for collector in self._collectors for metric in collector.collect()):
            if metric.name not in seen:
                seen.add(metric.name)
                samples = [sample for sample in metric.samples if sample.name in self._selected]
                if not self._selected:
                    yield metric
                elif samples:
                    metric.samples = samples
                    yield metric


class WorkerFiles(Collector):
    """The metrics in the files of all workers, summed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, without the files that a starting worker has just created."""
        files = [str(file) for file in self._folder.glob("*.db") if _has_content(file)]
        return cast("Iterable[Metric]", multiprocess.MultiProcessCollector.merge(files))


def _has_content(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # of a worker that has just ended
        return False


class WorkerProcesses(Collector):
    """The process metrics of all live workers, summed as if they were one process."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared

    def collect(self) -> Iterable[Metric]:
        """Sum each metric over the workers; the start time is the earliest."""
        combined: dict[str, Metric] = {}
        for pid in self._pids():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                total = combined.setdefault(metric.name, metric)
                if total is not metric:
                    _add(total, metric)
        return combined.values()

    def _pids(self) -> list[int]:
        # A worker creates this file at its start. The arbiter deletes it after the worker's exit.
        return [int(file.stem.split("_")[-1]) for file in self._shared.glob("gauge_livesum_*.db")]


def _add(total: Metric, more: Metric) -> None:
    combine = min if total.name == "process_start_time_seconds" else operator.add
    total.samples = [
        ours._replace(value=combine(ours.value, theirs.value))
        for ours, theirs in zip(total.samples, more.samples, strict=True)
    ]

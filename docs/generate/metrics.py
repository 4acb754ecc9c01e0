"""The metrics that our programs expose, and the series that recording rules derive from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric as Family

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import declare_lost_lines
from alertdrill.runtimes.native.runtime import NativeRuntime
from alertdrill_telemetry.drain import DrainState
from alertdrill_telemetry.exporter import MetricsExporter
from alertdrill_telemetry.metrics import (
    BUCKETS,
    EXPORTER_METRICS,
    CallbackGauge,
    Combine,
    Metrics,
    Sample,
)
from alerting.responder.metrics import ResponderMetrics

from .errors import GenerateError
from .markdown import ROOT, code, codes, document, link, table

COLUMNS = ("Metric", "Type", "Labels", "Meaning")


@dataclass(frozen=True)
class Metric:
    """A metric as its program declares it."""

    name: str
    kind: str
    labels: Sequence[str]
    meaning: str

    def row(self) -> Sequence[str]:
        """Return the metric's row of a table."""
        return (code(self.name), self.kind, codes(self.labels), self.meaning)


class RecordingMetrics(Metrics):
    """Metrics that keep a list of what is declared."""

    def __init__(self) -> None:
        self.declared: list[Metric] = []
        super().__init__()

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Declare a counter."""
        self.declared.append(Metric(name, "counter", labels, text))
        return super().counter(name, text, labels)

    def gauge(
        self, name: str, text: str, labels: Sequence[str] = (), mode: Combine = "livesum"
    ) -> Gauge:
        """Declare a gauge."""
        self.declared.append(Metric(name, "gauge", labels, text))
        return super().gauge(name, text, labels, mode)

    def callback_gauge(
        self,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        read: Callable[[], Iterable[Sample]] = list,
    ) -> CallbackGauge:
        """Declare a gauge that is computed at a scrape."""
        self.declared.append(Metric(name, "gauge", labels, text))
        return super().callback_gauge(name, text, labels, read)

    def callback_counter(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Iterable[Sample]]
    ) -> CallbackGauge:
        """Declare a counter that is computed at a scrape."""
        self.declared.append(Metric(name, "counter", labels, text))
        return super().callback_counter(name, text, labels, read)

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS
    ) -> Histogram:
        """Declare a histogram."""
        self.declared.append(Metric(name, "histogram", labels, text))
        return super().histogram(name, text, labels, buckets)


def page() -> str:
    """Return the page."""
    metrics = RecordingMetrics()
    of_every_program = list(metrics.declared)
    requests, of_python = _collected(metrics)
    ResponderMetrics(metrics, [])
    of_responder = [item for item in metrics.declared if item not in of_every_program]
    before = len(metrics.declared)
    declare_lost_lines(metrics, NativeRuntime(StackSettings(ROOT)))
    of_control = metrics.declared[before:]
    buckets = ", ".join(f"{bound:g}" for bound in BUCKETS)
    return document(
        "Metrics",
        "Prometheus adds the labels `service` and `instance` to each series."
        f" Histograms have the buckets {buckets} seconds.",
        "## Requests",
        "Every Flask program exposes these, under the names of prometheus-flask-exporter.",
        table(COLUMNS, (item.row() for item in requests)),
        "## Every program of ours",
        table(COLUMNS, (item.row() for item in of_every_program)),
        "Python and its process, from prometheus_client:",
        table(COLUMNS, (item.row() for item in of_python)),
        "## The responder",
        table(COLUMNS, (item.row() for item in of_responder)),
        "## The control API, without containers",
        table(COLUMNS, (item.row() for item in of_control)),
        "## Recording rules",
        "Prometheus derives these series; dashboards and alerts use them.",
        table(("Series", "Labels", "Expression", "File"), _recorded()),
    )


def _collected(metrics: Metrics) -> tuple[Sequence[Metric], Sequence[Metric]]:
    """Return what the exporter measures of requests, and what describes the process."""
    ours = {family.name for family in metrics.registry.collect()}
    exporter = MetricsExporter(metrics, DrainState(worker=1))
    for counter in (exporter.total, exporter.exceptions):
        counter.labels("GET", "500")  # so that each metric has a sample, which shows its labels
    exporter.duration.labels("GET", "/", "500")
    families = list(metrics.registry.collect())
    requests = [_metric(item) for item in families if item.name not in ours]
    missing = {item.name for item in requests}.symmetric_difference(EXPORTER_METRICS)
    if missing:
        raise GenerateError(f"EXPORTER_METRICS and the exporter differ in {sorted(missing)}.")
    of_python = [item for item in families if item.name.startswith(("python_", "process_"))]
    return requests, [_metric(item) for item in of_python]


def _metric(family: Family) -> Metric:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = dict.fromkeys(name for sample in family.samples for name in sample.labels)
    labels.pop("le", None)  # of a histogram's buckets
    return Metric(name, family.type, list(labels), family.documentation)


def _recorded() -> Iterator[Sequence[str]]:
    series: dict[str, list[Mapping[str, Any]]] = {}
    files: dict[str, str] = {}
    for file in sorted((ROOT / "prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    series.setdefault(rule["record"], []).append(rule)
                    files[rule["record"]] = file.name
    for name, rules in series.items():
        labels = dict.fromkeys(label for rule in rules for label in rule.get("labels", {}))
        expressions = dict.fromkeys(" ".join(rule["expr"].split()) for rule in rules)
        path = f"prometheus/rules/{files[name]}"
        yield code(name), codes(labels), codes(expressions), link(files[name], path)

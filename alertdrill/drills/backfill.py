"""Backfill: replace Prometheus's history by a drill's synthetic series, as OpenMetrics text."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..clients.prometheus import Prometheus
from . import steady_state
from .context import DrillContext
from .model import Drill, DrillError, SyntheticSeries

SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)(\{.*\})?")
# The gap before the live samples, so that no timestamp has two samples.
GAP_S = 0.5
# After this long, windows of one minute hold only samples of the steady state.
SETTLE_S = 60.0


def replace_history(drill: Drill, context: DrillContext) -> None:
    """Delete every sample, backfill those of the drill, and wait until windows have live ones."""
    runtime, speed = context.runtime, context.runtime.speed
    file = context.folder / "backfill.om"
    # The samples build on the values of the current series, which Prometheus deletes next.
    if drill.backfill:
        limit = steady_state.FIXED_LIMIT_S
        steady_state.wait(context, drill.load, drill.alert, phase="steady", limit=limit)
        write_openmetrics(file, drill.backfill, context.prometheus, time.time(), speed)
    runtime.delete_series()
    if drill.backfill:
        runtime.backfill(file)
        file.unlink()
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < SETTLE_S / speed:
        context.progress.waiting("settled", elapsed, SETTLE_S / speed)
        time.sleep(steady_state.POLL_INTERVAL_S)


def write_openmetrics(
    file: Path, series: Sequence[SyntheticSeries], prometheus: Prometheus, now: float, speed: float
) -> None:
    """Write the samples of all series; `now` is in seconds since 1970."""
    families: dict[str, list[str]] = defaultdict(list)
    for item in series:
        for name, labels, factor in _resolve(item, prometheus):
            families[name] += [
                f"{name}{labels} {value * factor!r} {timestamp:.3f}"
                for timestamp, value in sample_points(item, now, speed)
            ]
    with file.open("w", encoding="utf-8") as out:
        for name, samples in families.items():
            out.write(f"# TYPE {name} gauge\n" + "\n".join(samples) + "\n")
        out.write("# EOF\n")


def sample_points(
    series: SyntheticSeries, now: float, speed: float
) -> Iterator[tuple[float, float]]:
    """Yield (seconds since 1970, value) of a series, with its durations divided by the speed."""
    last = now - GAP_S - series.offset / speed
    count = int(series.duration / series.step)
    change = series.end_value - series.start_value
    for index in range(count + 1):
        fraction = index / count
        timestamp = last - (1 - fraction) * series.duration / speed
        yield timestamp, series.start_value + fraction * change


def _resolve(series: SyntheticSeries, prometheus: Prometheus) -> Iterator[tuple[str, str, float]]:
    """Yield (name, labels as text, factor) of each series to write."""
    if not series.relative:
        match = SELECTOR.fullmatch(series.series)
        assert match, series.series  # the loader uses a stricter pattern
        yield match[1], match[2] or "", 1.0
        return
    samples = prometheus.query(series.series)
    if not samples:
        raise DrillError(f"{series.series} matches no series, so the backfill has no values.")
    for sample in samples:
        labels = dict(sample["metric"])
        if "__name__" not in labels:
            raise DrillError(f"{series.series} returns series without a name: use a selector.")
        yield labels.pop("__name__"), _format_labels(labels), float(sample["value"][1])


def _format_labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_escape(value)}"' for name, value in sorted(labels.items())]
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

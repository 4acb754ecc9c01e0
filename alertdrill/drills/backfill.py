"""Backfill: replace Prometheus's history by a drill's synthetic series, as OpenMetrics text."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..clients.prometheus import Prometheus
from . import steady_state
from .context import DrillContext
from .model import Drill, DrillError, SyntheticSeries

# The gap before the live samples, so that no timestamp has two samples.
GAP_S = 0.5
# After this long, windows of one minute hold only samples of the steady state.
SETTLE_S = 60.0
# The characters that a label's value escapes.
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


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
    for elapsed in steady_state.poll(context, "settled", SETTLE_S / speed):
        if elapsed >= SETTLE_S / speed:
            break


def write_openmetrics(
    file: Path, series: Sequence[SyntheticSeries], prometheus: Prometheus, now: float, speed: float
) -> None:
    """Write the samples of all series; `now` is in seconds since 1970.

    Every duration of a series is divided by the speed.
    """
    families: dict[str, list[str]] = defaultdict(list)
    for item in series:
        last = now - GAP_S - item.offset / speed
        count = int(item.duration / item.step)
        shares = [index / count for index in range(count + 1)]
        for name, labels, factor in _resolve(item, prometheus):
            for share in shares:
                value = factor * (item.start_value + share * (item.end_value - item.start_value))
                timestamp = last - (1 - share) * item.duration / speed
                families[name].append(f"{name}{labels} {value!r} {timestamp:.3f}")
    with file.open("w", encoding="utf-8") as out:
        for name, samples in families.items():
            out.write(f"# TYPE {name} gauge\n" + "\n".join(samples) + "\n")
        out.write("# EOF\n")


def _resolve(series: SyntheticSeries, prometheus: Prometheus) -> Iterator[tuple[str, str, float]]:
    """Yield (name, labels as text, factor) of each series to write."""
    if not series.relative:
        name, brace, rest = series.series.partition("{")
        yield name, brace + rest, 1.0
        return
    samples = prometheus.query(series.series)
    if not samples:
        raise DrillError(f"{series.series} matches no series, so the backfill has no values.")
    for sample in samples:
        labels = dict(sample["metric"])
        if "__name__" not in labels:
            raise DrillError(f"{series.series} returns series without a name: use a selector.")
        name = labels.pop("__name__")
        pairs = [f'{label}="{labels[label].translate(ESCAPES)}"' for label in sorted(labels)]
        yield name, "{" + ",".join(pairs) + "}", float(sample["value"][1])

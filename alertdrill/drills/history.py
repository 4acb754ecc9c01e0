"""Make up the past of a drill, as OpenMetrics text that promtool turns into blocks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .clients import Prometheus
from .drill import Past
from .errors import DrillError

SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)(\{.*\})?")
# The live samples take over from here, so that no moment has two.
GAP = 0.5


def write(
    file: Path, pasts: Sequence[Past], prometheus: Prometheus, moment: tuple[float, float]
) -> None:
    """Write the samples of all lines; `moment` is (now, speed)."""
    families: dict[str, list[str]] = defaultdict(list)
    for past in pasts:
        for name, labels, scale in _series(past, prometheus):
            families[name] += [
                f"{name}{labels} {value * scale!r} {at:.3f}" for at, value in points(past, moment)
            ]
    with file.open("w", encoding="utf-8") as out:
        for name, samples in families.items():
            out.write(f"# TYPE {name} gauge\n" + "\n".join(samples) + "\n")
        out.write("# EOF\n")


def points(past: Past, moment: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Yield (seconds since 1970, value) along the line, with all durations at the speed."""
    now, speed = moment
    last = now - GAP - past.until / speed
    count = int(past.over / past.step)
    for place in range(count + 1):
        share = place / count
        yield last - (1 - share) * past.over / speed, past.begin + share * (past.end - past.begin)


def _series(past: Past, prometheus: Prometheus) -> Iterator[tuple[str, str, float]]:
    """Yield (name, labels as text, factor) for each series of a line."""
    if not past.relative:
        match = SELECTOR.fullmatch(past.series)
        assert match, past.series  # the drill was read with the same pattern
        yield match[1], match[2] or "", 1.0
        return
    found = prometheus.query(past.series)
    if not found:
        raise DrillError(f"{past.series} finds nothing, so it has no past to make up.")
    for sample in found:
        labels = dict(sample["metric"])
        if "__name__" not in labels:
            raise DrillError(f"{past.series} finds series without a name, which can't be kept.")
        yield labels.pop("__name__"), _text(labels), float(sample["value"][1])


def _text(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items())]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

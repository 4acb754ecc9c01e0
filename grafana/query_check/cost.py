"""The cost of a query, extrapolated to full stores."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .durations import milliseconds
from .panel_queries import SCRAPE, QueryRequest
from .results import QueryResult

# A dashboard with twenty panels that refreshes every ten seconds must not wait for one of them.
MAX_SECONDS = 2.0
# Prometheus reads about ten million samples per second and core, and has one core.
MAX_SAMPLES = 20_000_000
# Loki reads some hundred megabytes per second and core, and has one core.
MAX_BYTES = 500_000_000
WINDOW = re.compile(r"\[([0-9a-z]+)(?::[0-9a-z]*)?\]")


@dataclass(frozen=True)
class Age:
    """The age of the oldest sample and the scrape interval, in milliseconds."""

    oldest: int
    scrape: int

    def share(self, window: int) -> float:
        """Return the share of a window's samples, compared with a full store."""
        now = min(window, self.oldest) / self.scrape
        return max(now / (window / SCRAPE["prometheus"]), 1e-6)


def samples(request: QueryRequest, last: QueryResult, age: Age) -> int:
    """Return the number of samples that a query reads once the store is full.

    `last` is its result at the end of the range. Each step costs as much, or more if a window
    starts before the store's oldest sample.
    """
    count = request.time_range.width // request.step + 1 if request.kind == "range" else 1
    return round(last.cost.samples * count / min(1.0, age.share(longest(request.expr))))


def longest(expr: str) -> int:
    """Return the longest window of a query; the scrape interval if it has none."""
    windows = [milliseconds(text) for text in WINDOW.findall(expr)]
    return max([*windows, SCRAPE["prometheus"]])


def size(request: QueryRequest, result: QueryResult, age: Age) -> int:
    """Return the bytes that a Loki query reads once lines cover the whole range."""
    width = max(request.time_range.width, longest(request.expr))
    return round(result.cost.size * max(1.0, width / max(age.oldest, 1)))


def cost_error(result: QueryResult, whole_samples: int, whole_size: int) -> str:
    """Return a message if the cost is too high, else an empty text."""
    if result.cost.seconds > MAX_SECONDS:
        return f"It took {result.cost.seconds:.1f} s; the maximum is {MAX_SECONDS:.0f} s."
    if whole_samples > MAX_SAMPLES:
        return (
            f"It reads {whole_samples:,} samples of a full store; the maximum is {MAX_SAMPLES:,}."
        )
    if whole_size > MAX_BYTES:
        return f"It reads {whole_size:,} bytes of a full store; the maximum is {MAX_BYTES:,}."
    return ""

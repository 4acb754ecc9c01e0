"""What a query costs, also once the stores are full."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .answer import Answer
from .asks import SCRAPE, Ask
from .durations import milliseconds

# A page with twenty panels that refreshes every ten seconds must not wait for one of them.
SECONDS = 2.0
# Prometheus looks at some ten million samples a second on a core, of which it has one.
SAMPLES = 20_000_000
# Loki reads some hundred megabytes a second on a core, of which it has one.
SIZE = 500_000_000
WINDOW = re.compile(r"\[([0-9a-z]+)(?::[0-9a-z]*)?\]")


@dataclass(frozen=True)
class Age:
    """How old the oldest sample is, and how often there is one, in milliseconds."""

    oldest: int
    scrape: int

    def share(self, window: int) -> float:
        """Return which share of a window's samples a full store has there are now."""
        now = min(window, self.oldest) / self.scrape
        return max(now / (window / SCRAPE["prometheus"]), 1e-6)


def samples(ask: Ask, last: Answer, age: Age) -> int:
    """Return the samples that a query looks at once the store is full.

    `last` is its answer at the end of the span: each of its steps costs as much, more where a
    window has begun before the store did.
    """
    count = ask.span.width // ask.step + 1 if ask.kind == "range" else 1
    return round(last.cost.samples * count / min(1.0, age.share(longest(ask.expr))))


def longest(expr: str) -> int:
    """Return the longest window of a query, the scrape interval without any."""
    found = [milliseconds(text) for text in WINDOW.findall(expr)]
    return max([*found, SCRAPE["prometheus"]])


def size(ask: Ask, answer: Answer, age: Age) -> int:
    """Return the bytes that a query of Loki reads once there are lines of the whole span."""
    width = max(ask.span.width, longest(ask.expr))
    return round(answer.cost.size * max(1.0, width / max(age.oldest, 1)))


def complaint(answer: Answer, whole_samples: int, whole_size: int) -> str:
    """Return what is too much, empty where nothing is."""
    if answer.cost.seconds > SECONDS:
        return f"It took {answer.cost.seconds:.1f} s; {SECONDS:.0f} s is the most."
    if whole_samples > SAMPLES:
        return f"It looks at {whole_samples:,} samples of a full store; {SAMPLES:,} is the most."
    if whole_size > SIZE:
        return f"It reads {whole_size:,} bytes of a full store; {SIZE:,} is the most."
    return ""

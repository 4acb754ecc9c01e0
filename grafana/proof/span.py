"""The span of time that a dashboard or a panel shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .durations import milliseconds
from .errors import ProofError

NOW = re.compile(r"now(?:([+-])(\d+[smhdwMy]))?")


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in milliseconds since 1970."""

    start: int
    end: int

    @property
    def width(self) -> int:
        """How long it is."""
        return self.end - self.start

    def aligned(self, step: int) -> Span:
        """Return the span with both ends at whole steps, as Grafana asks Prometheus."""
        return Span(self.start // step * step, self.end // step * step)


def moment(text: str, now: int) -> int:
    """Return what `now-1h` means; raise `ProofError` for what dashboards should not start with."""
    found = NOW.fullmatch(text)
    if found is None:
        raise ProofError(f"The time {text!r} is not understood: it takes now, now-1h and the like.")
    sign, duration = found.groups()
    shift = milliseconds(duration) if duration else 0
    return now - shift if sign == "-" else now + shift


def span(start: str, end: str, now: int) -> Span:
    """Return the span between two such times; raise `ProofError` where it is none."""
    found = Span(moment(start, now), moment(end, now))
    if found.width <= 0:
        raise ProofError(f"From {start} to {end} is no span of time: the end comes first.")
    return found

"""Events during a load: alerts that fired, and the responder's actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any, Literal

import requests

from ..drills.clients import TIMEOUT_S, Prometheus
from ..drills.result import Line
from .errors import LoadError
from .measurements import TimeSpan

# Watchdog always fires.
FIRING = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
# After a gap of more scrapes than this, the alert fired again.
MAX_GAP_SCRAPES = 2.5


@dataclass(frozen=True)
class Event:
    """An alert or an action; times are in seconds since 1970, `ended` is None if it goes on."""

    kind: Literal["alert", "action"]
    name: str
    began: float
    ended: float | None


def alert_events(prometheus: Prometheus, span: TimeSpan) -> Sequence[Event]:
    """Return one event for each period in which an alert fired."""
    step = prometheus.scrape_interval()
    lines = prometheus.query_range(FIRING, (span.begin, span.end), step)
    events = [event for line in lines for event in _firing_periods(line, step, span.end)]
    return sorted(events, key=lambda event: event.began)


def _firing_periods(line: Line, step: float, end: float) -> Iterator[Event]:
    target = line.labels.get("instance") or line.labels.get("service") or ""
    name = f"{line.labels['alertname']} {target}".strip()
    samples = [at for at, _ in line.points]
    gaps = [0.0, *(after - before for before, after in pairwise(samples))]
    period, periods = 0, []
    for gap in gaps[: len(samples)]:
        period += gap > MAX_GAP_SCRAPES * step
        periods.append(period)
    for _, group in groupby(zip(periods, samples, strict=True), key=lambda pair: pair[0]):
        times = [at for _, at in group]
        yield Event(
            "alert", name, times[0], None if times[-1] > end - MAX_GAP_SCRAPES * step else times[-1]
        )


def action_events(responder: str, span: TimeSpan) -> Sequence[Event]:
    """Return the actions of the responder at a URL; none if it has no action API.

    Raises `LoadError` if it does not respond.
    """
    try:
        response = requests.get(f"{responder}/actions", timeout=TIMEOUT_S)
        if response.status_code == requests.codes.not_found:
            return []
        response.raise_for_status()
        events = [_action(action) for action in response.json() if action.get("started_at")]
    except (
        requests.RequestException,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise LoadError(f"cannot read the responder's actions ({error}).") from error
    return sorted(
        (
            event
            for event in events
            if event.began <= span.end and (event.ended or span.end) >= span.begin
        ),
        key=lambda event: event.began,
    )


def _action(action: Mapping[str, Any]) -> Event:
    target = action.get("target") or action.get("service") or ""
    ended = (
        datetime.fromisoformat(action["finished_at"]).timestamp()
        if action.get("finished_at")
        else None
    )
    began = datetime.fromisoformat(action["started_at"]).timestamp()
    return Event(
        "action", f"{str(action['kind']).replace('_', ' ')} {target}".strip(), began, ended
    )

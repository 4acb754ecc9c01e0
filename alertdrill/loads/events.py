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
    """An alert or an action, with times in seconds since 1970; `ended` is None if it goes on."""

    kind: Literal["alert", "action"]
    name: str
    began: float
    ended: float | None


def alert_events(prometheus: Prometheus, span: TimeSpan) -> Sequence[Event]:
    """Return one event for each period in which an alert fired."""
    step = prometheus.scrape_interval()
    found = prometheus.query_range(FIRING, (span.begin, span.end), step)
    marks = [mark for line in found for mark in _firing_periods(line, step, span.end)]
    return sorted(marks, key=lambda mark: mark.began)


def _firing_periods(line: Line, step: float, end: float) -> Iterator[Event]:
    whose = line.labels.get("instance") or line.labels.get("service") or ""
    what = f"{line.labels['alertname']} {whose}".strip()
    moments = [at for at, _ in line.points]
    breaks = [0.0, *(after - before for before, after in pairwise(moments))]
    number, numbers = 0, []
    for gap in breaks[: len(moments)]:
        number += gap > MAX_GAP_SCRAPES * step
        numbers.append(number)
    for _, stretch in groupby(zip(numbers, moments, strict=True), key=lambda pair: pair[0]):
        times = [at for _, at in stretch]
        yield Event(
            "alert", what, times[0], None if times[-1] > end - MAX_GAP_SCRAPES * step else times[-1]
        )


def action_events(responder: str, span: TimeSpan) -> Sequence[Event]:
    """Return the actions of the responder at a URL; none if it has no action API.

    Raises `LoadError` if it does not respond.
    """
    try:
        answer = requests.get(f"{responder}/actions", timeout=TIMEOUT_S)
        if answer.status_code == requests.codes.not_found:
            return []
        answer.raise_for_status()
        marks = [_action(found) for found in answer.json() if found.get("started_at")]
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
            mark
            for mark in marks
            if mark.began <= span.end and (mark.ended or span.end) >= span.begin
        ),
        key=lambda mark: mark.began,
    )


def _action(found: Mapping[str, Any]) -> Event:
    target = found.get("target") or found.get("service") or ""
    ended = (
        datetime.fromisoformat(found["finished_at"]).timestamp()
        if found.get("finished_at")
        else None
    )
    began = datetime.fromisoformat(found["started_at"]).timestamp()
    return Event("action", f"{str(found['kind']).replace('_', ' ')} {target}".strip(), began, ended)

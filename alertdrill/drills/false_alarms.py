"""The check for false alarms: under steady load, only Watchdog fires."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..clients.http import UnreachableError
from . import steady_state
from .context import DrillContext
from .model import STEADY, DrillError, UnsteadyError


def watch(context: DrillContext, seconds: float) -> list[str]:
    """Watch for a time that starts at the steady state; return a sentence for each alert."""
    context.traffic.ensure(STEADY)
    sentences: dict[str, str] = {}
    _await_steady_state(context, sentences)
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        context.progress.waiting("free of false alarms", elapsed, seconds)
        context.traffic.require_running()
        _collect(context, sentences)
        time.sleep(steady_state.POLL_INTERVAL_S)
    return list(sentences.values())


def _await_steady_state(context: DrillContext, sentences: dict[str, str]) -> None:
    """Wait until everything is ready; alerts that fire meanwhile count too."""
    limit = steady_state.max_wait(context.runtime.speed)
    start = time.monotonic()
    while True:
        _collect(context, sentences)
        try:
            return steady_state.require(context, STEADY)
        except UnsteadyError as error:
            if sentences:
                return None
            if time.monotonic() - start > limit:
                raise DrillError(f"The stack did not reach its steady state: {error}") from error
        context.progress.waiting("steady", time.monotonic() - start, limit)
        time.sleep(steady_state.POLL_INTERVAL_S)


def _collect(context: DrillContext, sentences: dict[str, str]) -> None:
    for evaluator in context.evaluators:
        try:
            firing = evaluator.firing_alerts()
        except UnreachableError:
            continue  # not up yet; if it stays away, the steady state does not come
        for labels in firing:
            if labels["alertname"] != steady_state.WATCHDOG and str(labels) not in sentences:
                sentences[str(labels)] = f"{labels['alertname']} fired{_labels(labels)}."


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [
        f"{name}={value}"
        for name, value in sorted(labels.items())
        if name not in ("alertname", "severity")
    ]
    return f" for {', '.join(pairs)}" if pairs else ""

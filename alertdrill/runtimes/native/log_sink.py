"""The stand-in for Loki, in a stack of the conservation check's own where there is none. Pure."""

from __future__ import annotations

import sys

from ...settings import ROOT
from .process import Process, RenderContext

# What the collector reads beside its own configuration, to speak as the stand-in does.
CONFIG = ROOT / "alertdrill" / "conserve" / "sink.yml"


def process(context: RenderContext) -> Process:
    """Return the stand-in, which listens where Loki would."""
    return Process(
        name="log-sink-1",
        service="log-sink",
        command=[
            *(sys.executable, "-m", "alertdrill.conserve.sink"),
            *(str(context.ports.loki), str(context.layout.data / "log-sink")),
        ],
        port=context.ports.loki,
        ready=f"{context.url('loki')}/ready",
        job=None,  # it has no metrics
    )

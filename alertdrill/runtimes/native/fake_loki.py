"""The stand-in for Loki, in a stack of the audit's own where there is none. Pure."""

from __future__ import annotations

import sys

from ...settings import ROOT
from .process import Process, RenderContext

# What the collector reads beside its own configuration, to speak as the stand-in does.
CONFIG = ROOT / "alertdrill" / "audit" / "fake_loki.yml"


def process(context: RenderContext) -> Process:
    """Return the stand-in, which listens where Loki would."""
    return Process(
        name="fake-loki-1",
        service="fake-loki",
        command=[
            *(sys.executable, "-m", "alertdrill.audit.fake_loki"),
            *(str(context.ports.loki), str(context.layout.data / "fake-loki")),
        ],
        port=context.ports.loki,
        ready=f"{context.url('loki')}/ready",
        job=None,  # it has no metrics
    )

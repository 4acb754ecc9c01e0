"""The Loki substitute in an audit's ephemeral stack, if Loki is not installed. Pure."""

from __future__ import annotations

import sys

from ...settings import ROOT
from .process import Process, RenderContext

# The collector's extra configuration for the substitute.
CONFIG = ROOT / "alertdrill" / "audit" / "fake_loki.yml"


def process(context: RenderContext) -> Process:
    """Return the substitute's process, which listens on Loki's port."""
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

"""The fixtures of the tests of telemetry, which the services use too."""

from __future__ import annotations

from tests.unit.telemetry.conftest import client, lines, peer, settings, untouched_process

__all__ = ["client", "lines", "peer", "settings", "untouched_process"]

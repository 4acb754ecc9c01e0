"""Render the changes to `docker-compose.yml` for an ephemeral stack or another speed. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...config.settings import StackSettings
from ..native.speed import loki_flags, prometheus_flags, timeout_offset


def render_overlay(settings: StackSettings, model: Mapping[str, Any]) -> str | None:
    """Return an overlay for Compose; None if the stack needs no changes.

    `model` is the resolved file: {"services": {name: {"command": [...]}}}.
    """
    if settings.speed == 1 and not settings.ephemeral:
        return None
    services = model["services"]
    # Allows an ephemeral stack to backfill and delete series; other stacks forbid it.
    admin = ["--web.enable-admin-api"] if settings.ephemeral else []
    blackbox = services["blackbox-exporter"]["command"]
    prometheus = [*prometheus_flags(settings.speed), *admin]
    offset = [f"--timeout-offset={timeout_offset(settings.speed)}"]
    changed = {
        "prometheus": {"command": merge_flags(services["prometheus"]["command"], prometheus)},
        "loki": {"command": merge_flags(services["loki"]["command"], loki_flags(settings.speed))},
        "blackbox-exporter": {"command": merge_flags(blackbox, offset)},
    }
    # JSON is valid YAML. Compose would read a single dollar as a variable.
    return json.dumps({"services": changed}, indent=2).replace("$", "$$") + "\n"


def merge_flags(command: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Return a command with `flags`, which replace flags of the same name."""
    names = {flag.partition("=")[0] for flag in flags}
    return [*(part for part in command if part.partition("=")[0] not in names), *flags]

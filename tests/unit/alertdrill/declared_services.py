"""Change the declarations of apps/services.yml for a test."""

from __future__ import annotations

from typing import Any

import pytest

from alertdrill.config.service import Replicas
from alertdrill.config.services import SERVICES


def redeclare(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    """Change what a service declares; `min` is the minimum of its replicas."""
    service = SERVICES[name]
    if "min" in changes:
        changes["replicas"] = Replicas(min=changes.pop("min"), max=service.replicas.max)
    changed = service.model_copy(update=changes)
    monkeypatch.setitem(vars(SERVICES), "_services", {**SERVICES, name: changed})

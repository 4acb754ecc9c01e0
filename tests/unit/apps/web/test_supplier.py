from __future__ import annotations

import time

import pytest

from alertdrill_telemetry import TelemetrySettings
from apps.web import create_app
from apps.web.settings import WebSettings


def test_supplier_answers_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    settings = WebSettings("http://127.0.0.1:1", links={})
    client = create_app(settings, TelemetrySettings("web", "web-1", "1.2.3")).test_client()
    assert client.get("/supplier").json == {"delivery_days": 3}
    assert pauses == [0.3]

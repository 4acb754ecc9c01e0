from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.loads.context import create_context
from alertdrill.loads.errors import LoadError
from alertdrill.loads.events import Event
from alertdrill.loads.measurements import TimeSpan
from alertdrill.settings import SERVICES, StackSettings

SPAN = TimeSpan(0.0, 60.0)
ALERT = Event("alert", "Saturated web", 1, 2)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("alertdrill.loads.events.alert_events", lambda *_: [ALERT])
    return SimpleNamespace(name="native", address=lambda part: f"http://{part}")


def test_min_replicas_are_the_configured_instances(runtime: Any, tmp_path: Path) -> None:
    settings = StackSettings(tmp_path, instances={"web": 1})
    assert create_context(settings, runtime, None, print).min_replicas == {
        **dict.fromkeys(SERVICES, 2),
        "web": 1,
    }


def test_events_without_a_responder_are_the_alerts_alone(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LoadError("The responder does not list its actions.")

    messages: list[str] = []
    monkeypatch.setattr("alertdrill.loads.events.action_events", fail)
    assert create_context(StackSettings(tmp_path), runtime, None, messages.append).events_in(
        SPAN
    ) == [ALERT]
    assert messages == ["The responder does not list its actions."]


def test_events_are_alerts_then_actions(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = Event("action", "scale out web", 2, 3)
    monkeypatch.setattr("alertdrill.loads.events.action_events", lambda *_: [action])
    context = create_context(StackSettings(tmp_path), runtime, None, print)
    assert context.events_in(SPAN) == [ALERT, action]

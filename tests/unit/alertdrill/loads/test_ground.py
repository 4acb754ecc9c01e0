from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.loads.errors import LoadError
from alertdrill.loads.ground import ground
from alertdrill.loads.marks import Mark
from alertdrill.loads.observed import Span
from alertdrill.settings import SERVICES, StackSettings

SPAN = Span(0.0, 60.0)
ALERT = Mark("alert", "Saturated web", 1, 2)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("alertdrill.loads.marks.alerts", lambda *_: [ALERT])
    return SimpleNamespace(name="native", address=lambda part: f"http://{part}")


def test_min_replicas_is_what_a_fresh_stack_runs(runtime: Any, tmp_path: Path) -> None:
    settings = StackSettings(tmp_path, instances={"web": 1})
    assert ground(settings, runtime, None, print).min_replicas == {
        **dict.fromkeys(SERVICES, 2),
        "web": 1,
    }


def test_responder_that_is_away_costs_no_page(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise LoadError("The responder does not tell its actions.")

    told: list[str] = []
    monkeypatch.setattr("alertdrill.loads.marks.actions", away)
    assert ground(StackSettings(tmp_path), runtime, None, told.append).happened(SPAN) == [ALERT]
    assert told == ["The responder does not tell its actions."]


def test_actions_follow_the_alerts(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = Mark("action", "scale out web", 2, 3)
    monkeypatch.setattr("alertdrill.loads.marks.actions", lambda *_: [action])
    made = ground(StackSettings(tmp_path), runtime, None, print)
    assert made.happened(SPAN) == [ALERT, action]

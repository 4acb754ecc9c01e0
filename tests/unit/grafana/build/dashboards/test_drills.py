from __future__ import annotations

from grafana.build.dashboards.drills import make
from tests.unit.grafana.build.built_panels import expressions, panels


def test_responder_state_is_shown_as_text() -> None:
    panel = panels(make)["Is its circuit breaker open?"]
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert [text["text"] for text in shown.values()] == ["closed", "open"]


def test_reasons_exclude_taken_actions() -> None:
    (query,) = expressions(panels(make)["Why did it skip actions?"])
    assert 'code!="approved"' in query

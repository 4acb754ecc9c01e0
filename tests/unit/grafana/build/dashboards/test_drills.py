from __future__ import annotations

from grafana.build.dashboards.drills import make
from tests.unit.grafana.build.built_panels import expressions, panels


def test_healers_state_is_in_words() -> None:
    panel = panels(make)["Is its circuit breaker open?"]
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert [one["text"] for one in shown.values()] == ["closed", "open"]


def test_reasons_are_those_of_doing_nothing() -> None:
    (query,) = expressions(panels(make)["Why did it skip actions?"])
    assert 'code!="approved"' in query

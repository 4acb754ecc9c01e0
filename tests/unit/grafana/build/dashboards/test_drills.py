from __future__ import annotations

from grafana.build.dashboards.drills import make
from tests.unit.grafana.build.boards import asked, panels


def test_healers_state_is_in_words() -> None:
    panel = panels(make)["Is its circuit open?"]
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert [one["text"] for one in shown.values()] == ["closed", "open"]


def test_reasons_are_those_of_doing_nothing() -> None:
    (query,) = asked(panels(make)["Why did it do nothing?"])
    assert 'code!="acted"' in query

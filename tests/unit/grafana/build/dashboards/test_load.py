from __future__ import annotations

from grafana.build.dashboards.load import make
from tests.unit.grafana.build.boards import asked, panels


def test_both_sides_share_a_panel() -> None:
    found = panels(make)
    both = "How long do clients wait, and how long do services take?"
    for title in ("Does what is sent arrive?", both):
        queries = " ".join(asked(found[title]))
        assert "locust_" in queries
        assert "flask_" in queries


def test_loads_are_listed() -> None:
    marks = panels(make)["Which loads were there, and how did they go?"]
    assert marks["options"]["tags"] == ["alertdrill", "load"]

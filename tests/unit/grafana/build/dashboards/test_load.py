from __future__ import annotations

from grafana.build.dashboards.load import make
from tests.unit.grafana.build.built_panels import expressions, panels


def test_locust_and_services_share_a_panel() -> None:
    built = panels(make)
    both = "How long do clients wait, and how long do services take?"
    for title in ("Do all requests that Locust sends arrive?", both):
        queries = " ".join(expressions(built[title]))
        assert "locust_" in queries
        assert "flask_" in queries


def test_loads_are_listed() -> None:
    annotation_list = panels(make)["Which loads were run, and with which verdict?"]
    assert annotation_list["options"]["tags"] == ["alertdrill", "load"]

from __future__ import annotations

from grafana.build.dashboards.overview import make
from tests.unit.grafana.build.built_panels import expressions, panels


def test_page_colour_wins() -> None:
    assert next(iter(panels(make))) == "How many alerts fire?"


def test_service_leads_to_its_dashboard() -> None:
    table = panels(make)["What is the state of each service?"]
    links = [
        setting["value"][0]["url"]
        for override in table["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "links"
    ]
    assert links == ["/d/service?var-service=${__value.raw}"]


def test_alerts_on_log_lines_are_counted() -> None:
    assert any(
        "alertmanager_alerts" in query
        for query in expressions(panels(make)["How many alerts fire?"])
    )

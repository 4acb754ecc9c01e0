from __future__ import annotations

from grafana.build.dashboards.service import make
from tests.unit.grafana.build.built_panels import expressions, panels, variables


def test_services_and_instances_are_variables() -> None:
    assert variables(make) == ["service", "instance", "responder"]


def test_times_show_single_requests() -> None:
    targets = panels(make)["How long do responses take?"]["targets"]
    assert all(target["exemplar"] for target in targets)


def test_every_panel_uses_the_selected_services() -> None:
    queries = {title: expressions(panel) for title, panel in panels(make).items()}
    assert {
        title for title, all_ in queries.items() if not all("$service" in q for q in all_)
    } == set()

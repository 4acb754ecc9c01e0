from __future__ import annotations

from grafana.build.dashboards.service_process import log_lines, process
from tests.unit.grafana.build.built_panels import expressions, limits, of


def test_memory_is_shown_with_its_budget() -> None:
    assert limits(of(process())["How much memory do they use?"]) == [268435456]


def test_core_is_shown_with_its_limit() -> None:
    assert limits(of(process())["How much of a core do they use?"]) == [0.7]


def test_newest_lines_are_its_own() -> None:
    (query,) = expressions(of(log_lines())["What are its newest lines?"])
    assert query.startswith('{service=~"$service", instance=~"$instance"} | line_format')


def test_exceptions_are_counted_without_loki() -> None:
    panel = of(log_lines())["How many of its requests end in an exception?"]
    assert panel["datasource"]["uid"] == "prometheus"

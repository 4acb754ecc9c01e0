from __future__ import annotations

from grafana.build.dashboards.logs import make
from tests.unit.grafana.build.built_panels import expressions, panels, variables


def test_lines_are_found_by_trace_and_request() -> None:
    assert {"service", "level", "trace", "request", "search"} <= set(variables(make))
    (query,) = expressions(panels(make)["Which lines match?"])
    assert "$trace" in query
    assert "$request" in query


def test_request_is_found_in_all_services() -> None:
    (query,) = expressions(panels(make)["Which lines belong to one request, in all services?"])
    assert query.startswith('{service=~".+"}')

from __future__ import annotations

from grafana.build.dashboards.logs import make
from tests.unit.grafana.build.boards import asked, panels, variables


def test_lines_are_found_by_trace_and_request() -> None:
    assert {"service", "level", "trace", "request", "search"} <= set(variables(make))
    (query,) = asked(panels(make)["Which lines are there?"])
    assert "$trace" in query
    assert "$request" in query


def test_request_is_found_in_all_services() -> None:
    (query,) = asked(panels(make)["Where was one request, through all services?"])
    assert query.startswith('{service=~".+"}')

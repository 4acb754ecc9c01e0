"""What a dashboard must show; tests/contract checks the format of all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.build.dashboard_builder import build_dashboard
from grafana.build.dashboards import ALL


def built(uid: str) -> Any:
    (spec,) = (spec for spec in ALL if spec.uid == uid)
    return json.loads(json.dumps(build_dashboard(spec), cls=JSONEncoder))


def panels(uid: str) -> dict[str, Any]:
    return {panel["title"]: panel for panel in built(uid)["panels"] if panel["type"] != "row"}


def queries(uid: str, title: str) -> list[str]:
    return [target["expr"] for target in panels(uid)[title]["targets"]]


@pytest.mark.parametrize(
    ("uid", "title", "expected"),
    [
        ("host", "How busy are its CPUs?", 0.9),
        ("host", "How much memory is available?", 0.1),
        ("host", "How much will be free in four hours, at the current rate?", 0),
        ("logs", "How many requests of each client are rejected?", 1),
        ("pipeline", "How full is Prometheus's storage?", 0.9),
        ("pipeline", "What share of the notifications fails?", 0.9),
        ("pipeline", "How many bytes wait for Loki?", 262144),
        ("service", "How much of a core do they use?", 0.7),
        *(
            ("slo", f"Do {what} burn too fast over {windows}?", value)
            for what in ("failures", "slow responses")
            for windows, value in (
                ("1h and still over 5m", 14.4),
                ("6h and still over 30m", 6),
                ("1d and still over 2h", 3),
                ("3d and still over 6h", 1),
            )
        ),
    ],
)
def test_panel_shows_the_limit_of_its_alert(uid: str, title: str, expected: float) -> None:
    steps = panels(uid)[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps if step.get("value") is not None] == [expected]


@pytest.mark.parametrize(
    ("uid", "title", "parts"),
    [
        ("drills", "Why did it skip actions?", ['code!="approved"']),
        ("drills", "How long from firing to notification, in each run?", ['phase="notified"']),
        ("drills", "How long from firing to resolution, in each run?", ['phase="resolved"']),
        (
            "drills",
            "How long did the actions take, in each run?",
            ["responder_action_duration_seconds"],
        ),
        ("drills", "When was an alert pending, and when did it fire?", ["pending", "firing"]),
        ("host", "How much memory does each process use?", ["otelcol_", "haproxy_"]),
        ("load", "Do all requests that Locust sends arrive?", ["locust_", "flask_"]),
        (
            "load",
            "How long do clients wait, and how long do services take?",
            ["locust_", "flask_"],
        ),
        ("logs", "Which lines match?", ["$service", "$level", "$trace", "$request", "$search"]),
        ("logs", "Which lines belong to one request, in all services?", ['{service=~".+"}']),
        ("logs", "Which messages are the most frequent?", ["topk("]),
        ("logs", "Which exceptions are the most frequent?", ["topk("]),
        ("overview", "How many alerts fire?", ["alertmanager_alerts"]),
        (
            "overview",
            "What does the responder log?",
            ['{service="responder"} | logger != "access"'],
        ),
        ("pipeline", "How many evaluations fail?", ["by (rule_group)"]),
        ("pipeline", "How many evaluations were skipped?", ["by (rule_group)"]),
        ("pipeline", "How long ago did Watchdog arrive?", ["watchdog_last_seen"]),
        ("load", "How much memory do the instances use?", ["service:memory_limit:bytes"]),
        ("service", "How much memory do they use?", ["service:memory_limit:bytes"]),
        (
            "service",
            "How many open files and series do they have?",
            ["service:series_limit:count"],
        ),
        ("service", "What are its newest lines?", ['{service=~"$service", instance=~"$instance"}']),
    ],
)
def test_panel_queries(uid: str, title: str, parts: list[str]) -> None:
    joined = " ".join(queries(uid, title))
    assert [part for part in parts if part not in joined] == []


def test_last_times_outlive_a_restart() -> None:
    shown = queries("drills", "How long did each alert take the last time?")
    assert ["last_over_time" in query for query in shown] == [True, True, True, False]


def test_overview_begins_with_the_alerts() -> None:
    assert next(iter(panels("overview"))) == "How many alerts fire?"


def test_service_leads_to_its_dashboard() -> None:
    table = panels("overview")["What is the state of each service?"]
    links = [
        setting["value"][0]["url"]
        for override in table["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "links"
    ]
    assert links == ["/d/service?var-service=${__value.raw}"]


def test_times_show_single_requests() -> None:
    targets = panels("service")["How long do responses take?"]["targets"]
    assert all(target["exemplar"] for target in targets)


def test_every_panel_of_a_service_uses_the_selected_services() -> None:
    shown = [query for title in panels("service") for query in queries("service", title)]
    assert [query for query in shown if "$service" not in query] == []


def test_exceptions_are_counted_without_loki() -> None:
    panel = panels("service")["How many of its requests end in an exception?"]
    assert panel["datasource"]["uid"] == "prometheus"


def test_budget_and_loads_are_shown_over_time() -> None:
    assert panels("slo")["How did the error budget change?"]["type"] == "timeseries"
    loads = panels("load")["When did loads run, and with how many clients?"]
    assert [query["expr"] for query in loads["targets"]] == ["sum(locust_users)"]


VARIABLES = [
    (spec.uid, variable)
    for spec in ALL
    for variable in built(spec.uid)["templating"]["list"]
    if variable["type"] in ("query", "custom") and variable["name"] != "responder"
]


@pytest.mark.parametrize(("uid", "variable"), VARIABLES)
def test_several_or_all_may_be_selected(uid: str, variable: dict[str, Any]) -> None:
    assert (variable["includeAll"], variable["multi"]) == (True, True)
    assert variable["current"]["value"] == ["$__all"]
    # All services are those with targets; in the logs there are others, too.
    assert variable.get("allValue") == (".+" if uid == "logs" else None)


def test_instances_are_those_of_the_selected_services() -> None:
    _, instance = [variable for uid, variable in VARIABLES if uid == "service"]
    assert "$service" in instance["definition"]


def test_lines_are_found_by_level_and_text() -> None:
    variables = {item["name"]: item for item in built("logs")["templating"]["list"]}
    levels = [option["value"] for option in variables["level"]["options"]]
    assert variables["level"]["query"] == ",".join(levels)
    assert {"INFO", "ERROR"} <= set(levels)
    assert [variables[name]["query"] for name in ("trace", "request", "search")] == ["", "", ""]

"""The story of the README: a request, its traces, and an alert that fires and resolves."""

import http.client
import json
import math
import re
import secrets
from contextlib import closing
from typing import Any

import pandas as pd
import pytest
import requests
from vega_datasets import data

from tests.e2e.stack import Stack, poll_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def cars() -> pd.DataFrame:
    """Return 406 cars (StatLib, 1983), some without a value, as JSON can hold them."""
    return pd.DataFrame(json.loads(data.cars.raw())).drop(columns="Year")


@pytest.fixture(scope="module")
def answered(stack: Stack, cars: pd.DataFrame) -> requests.Response:
    """Post all cars through the load balancer, in a trace of our own."""
    trace = secrets.token_hex(16)
    answer = requests.post(
        stack.url("lb", "/process"),
        data=cars.to_json(orient="records"),
        headers={
            "Content-Type": "application/json",
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
            "X-Request-ID": f"story-{trace}",
        },
        timeout=10,
    )
    answer.trace = trace  # type: ignore[attr-defined]
    return answer


def test_summary_equals_pandas(answered: requests.Response, cars: pd.DataFrame) -> None:
    assert answered.status_code == 200
    assert answered.json()["count"] == len(cars)
    assert_close(answered.json()["summary"], cars.describe().to_dict())


def assert_close(summary: dict[str, Any], expected: dict[str, Any]) -> None:
    assert summary.keys() == expected.keys()
    for field, figures in expected.items():
        for name, value in figures.items():
            assert math.isclose(summary[field][name], value, rel_tol=1e-9), (field, name)


def test_prometheus_shows_the_request(stack: Stack, answered: requests.Response) -> None:
    stack.wait_for_scrape()
    for service in ("web", "data-service"):
        labels = f'service="{service}",method="POST",status="200",url_rule="/process"'
        assert stack.total(f"flask_http_request_duration_seconds_count{{{labels}}}") >= 1
    instances = {row["metric"]["instance"] for row in stack.query('up{service="web"}')}
    assert instances == {"web-1", "web-2"}


def test_services_share_one_trace(stack: Stack, answered: requests.Response) -> None:
    trace = answered.trace  # type: ignore[attr-defined]
    for service in ("lb", "web", "data-service"):
        lines = stack.access_lines(service, trace_id=trace)
        assert lines, f"{service} has no access line of trace {trace}"
        assert {line["request_id"] for line in lines} == {f"story-{trace}"}
    assert answered.headers["X-Request-ID"] == f"story-{trace}"


def test_exemplar_leads_to_a_trace(stack: Stack, answered: requests.Response) -> None:
    stack.wait_for_scrape()
    response = requests.get(
        stack.url("prometheus", "/api/v1/query_exemplars"),
        params={
            "query": 'flask_http_request_duration_seconds_bucket{service="web"}',
            "start": "2000-01-01T00:00:00Z",
            "end": "2100-01-01T00:00:00Z",
        },
        timeout=5,
    )
    traces = [
        row["labels"]["trace_id"]
        for series in response.json()["data"]
        for row in series["exemplars"]
    ]
    assert answered.trace in traces  # type: ignore[attr-defined]


def test_start_page_links_to_every_running_component(stack: Stack) -> None:
    page = requests.get(stack.url("lb", "/"), timeout=5).text
    links = re.findall(r'href="([^"]+)"', page)
    for part in ("lb", "lb_stats", "prometheus", "alertmanager", "responder"):
        [link] = [link for link in links if link.startswith(stack.url(part, "/"))]
        expected = 401 if part == "alertmanager" else 200  # it asks for its password
        assert requests.get(link, timeout=5).status_code == expected, link


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/metrics", {}),
        ("/readyz", {}),
        ("/healthz", {}),
        ("/faults", {}),
        ("/%6detrics", {}),
        ("//metrics", {}),
        ("/faults/x%0ay", {}),
        ("/x/metrics", {"SCRIPT_NAME": "/x"}),
        ("/x/faults", {"SCRIPT_NAME": "/x"}),
        ("/x/metrics", {"X-Forwarded-Prefix": "/x"}),
        ("/x", {"PATH_INFO": "/metrics"}),
        ("http://127.0.0.1/metrics", {}),
        ("http://127.0.0.1//metrics", {}),
    ],
)
def test_no_client_reaches_the_operations(
    stack: Stack, target: str, headers: dict[str, str]
) -> None:
    request_id = secrets.token_hex(8)
    port = int(stack.environment["LB_PORT"])
    # http.client sends the target as it is; requests would normalize it.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection):
        connection.request("GET", target, headers={"X-Request-ID": request_id, **headers})
        with connection.getresponse() as answer:
            content_type = answer.headers["Content-Type"]
            assert (answer.status, content_type) == (404, "application/problem+json")
    # It is the application's own 404: an operation has no access line.
    [line] = poll_until(
        lambda: stack.access_lines("web", request_id=request_id), "the access line of web", 10
    )
    assert (line["status"], line["route"]) == (404, None)


def test_everything_is_scraped(stack: Stack) -> None:
    poll_until(stack.scrapes_everything, "exactly what serves to be scraped", 15)


def test_watchdog_arrives(stack: Stack) -> None:
    poll_until(lambda: stack.notifications(alert="Watchdog"), "the Watchdog notification", 90)
    assert requests.get(stack.url("responder", "/watchdog"), timeout=5).json()["missing"] is False


def test_lost_service_is_notified_and_resolved(stack: Stack) -> None:
    stack.alertdrill("stop", "data-service")
    answer = requests.post(stack.url("lb", "/process"), json=[{"x": 1}], timeout=10)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"] == "application/problem+json"

    # Scrape 5 s, `for` 15 s, evaluation 5 s, group wait 10 s.
    alert = {"alert": "ServiceDown", "service": "data-service"}
    [page, *_] = poll_until(lambda: stack.notifications(status="firing", **alert), "the page", 60)
    [firing] = page["alerts"]
    runbook = requests.get(firing["annotations"]["runbook_url"], timeout=5)
    assert runbook.status_code == 200
    assert "ServiceDown" in runbook.text
    # The alerts of its instances page no one: they go to the responder, which acts on them.
    pages = stack.notifications(severity="page", service="data-service")
    assert {firing["alert"] for page in pages for firing in page["alerts"]} == {"ServiceDown"}

    stack.alertdrill("start", "data-service")
    # Scrape 5 s, evaluation 5 s, group interval 30 s.
    poll_until(lambda: stack.notifications(status="resolved", **alert), "its resolution", 75)
    again = requests.post(stack.url("lb", "/process"), json=[{"x": 1}], timeout=10)
    assert again.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        None,
        f"00-{'a' * 32}-{'b' * 16}-01",
        f"cc-{'a' * 32}-{'b' * 16}-01-more",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-01-more",
        "junk",
    ],
)
def test_lb_and_web_agree_on_the_trace(stack: Stack, sent: str | None) -> None:
    headers = {"X-Request-ID": secrets.token_hex(8)} | ({"traceparent": sent} if sent else {})
    requests.get(stack.url("lb", "/"), headers=headers, timeout=5)

    def lines() -> list[dict[str, Any]]:
        request_id = headers["X-Request-ID"]
        by_service = [
            stack.access_lines(service, request_id=request_id) for service in ("lb", "web")
        ]
        return [line for [line] in by_service] if all(by_service) else []

    at_lb, at_web = poll_until(lines, "both access lines", 5)
    assert at_lb["trace_id"] == at_web["trace_id"]

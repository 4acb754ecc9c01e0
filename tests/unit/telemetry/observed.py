"""An application with telemetry, and what telemetry counts."""

from __future__ import annotations

from typing import Any

from flask import Flask
from prometheus_client import CollectorRegistry

from alertdrill_telemetry import TelemetrySettings, init_app
from tests.unit.telemetry.wsgi_server import Answer, serve

SETTINGS = TelemetrySettings("shop", "shop-1", "1.2.3")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "mine-1"}


class Shop:
    """An application with telemetry, and what telemetry counts."""

    def __init__(self, app: Flask | None = None) -> None:
        self.app = app or Flask("shop", static_folder=None)
        self.registry = CollectorRegistry()
        self.telemetry = init_app(self.app, "shop", SETTINGS, self.registry)

    def get(self, path: str, **options: Any) -> Answer:
        return serve(self.app, path, **{"headers": HEADERS, **options})

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def total(self, status: str, method: str = "GET") -> float:
        return self.value("flask_http_request_total", method=method, status=status)

    def exceptions(self, status: str) -> float:
        return self.value("flask_http_request_exceptions_total", method="GET", status=status)

    def duration(self, url_rule: str, status: str = "200") -> float:
        name = "flask_http_request_duration_seconds_sum"
        return self.value(name, method="GET", url_rule=url_rule, status=status)

    def durations(self, url_rule: str, status: str = "200") -> float:
        name = "flask_http_request_duration_seconds_count"
        return self.value(name, method="GET", url_rule=url_rule, status=status)

    def in_flight(self) -> float:
        return self.value("http_requests_in_flight")


def access(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the access lines."""
    return [line for line in lines if line["logger"] == "access"]

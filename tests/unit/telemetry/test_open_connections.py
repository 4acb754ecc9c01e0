"""Server-sent events and WebSockets: connections that stay open are no slow requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response

from tests.unit.telemetry.observed import Shop, access

Lines = Callable[[], list[dict[str, Any]]]
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "a"}


def test_events_are_a_connection_and_no_slow_request(shop: Shop, lines: Lines) -> None:
    seen: list[float] = []

    def events() -> Iterator[str]:
        seen.append(shop.value("http_connections_open", protocol="sse"))
        yield "data: 1\n\n"

    shop.app.add_url_rule("/", view_func=lambda: Response(events(), mimetype="text/event-stream"))
    shop.get("/")
    assert seen == [1]
    assert shop.value("http_connections_open", protocol="sse") == 0
    assert (shop.total("200"), shop.durations("/")) == (1, 0)
    (line,) = access(lines())
    assert (line["protocol"], line["status"]) == ("sse", 200)


def test_websocket_is_a_connection_and_no_slow_request(shop: Shop, lines: Lines) -> None:
    seen: list[float] = []

    class Upgraded(Response):
        def __call__(self, *_: Any) -> Any:  # as flask-sock ends a connection under gunicorn
            raise StopIteration

    def view() -> Response:
        seen.append(shop.value("http_connections_open", protocol="websocket"))
        seen.append(shop.in_flight())
        return Upgraded()

    shop.app.add_url_rule("/ws", view_func=view, websocket=True)
    shop.get("/ws", headers=UPGRADE)
    assert seen == [1, 1]
    assert shop.value("http_connections_open", protocol="websocket") == shop.in_flight() == 0
    assert (shop.total("101"), shop.durations("/ws", "101")) == (1, 0)
    (line,) = access(lines())
    assert (line["protocol"], line["status"], line["level"]) == ("websocket", 101, "INFO")


def test_declined_upgrade_is_a_request(shop: Shop, lines: Lines) -> None:
    shop.app.add_url_rule("/", view_func=lambda: "plain")
    shop.get("/", headers=UPGRADE)
    assert (shop.total("400"), shop.durations("unmatched", "400")) == (1, 1)
    assert shop.value("http_connections_open", protocol="websocket") == 0
    assert "protocol" not in access(lines())[0]


def test_websocket_that_fails_is_no_slow_request(shop: Shop) -> None:
    shop.app.add_url_rule("/ws", view_func=lambda: str(1 / 0), websocket=True)
    assert shop.get("/ws", headers=UPGRADE).status == 500
    assert (shop.total("500"), shop.durations("/ws", "500")) == (1, 0)


def test_upgrade_without_a_key_is_a_request(shop: Shop) -> None:
    shop.app.add_url_rule("/", view_func=lambda: "fine")
    shop.get("/", headers={"Upgrade": "websocket"})
    assert shop.durations("/") == 1

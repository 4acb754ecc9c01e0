from typing import Any

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.responder import ADOPTED, PerformedAction, ResponderClient
from tests.http_server import FakeServer

# 2026-11-23T10:20:00Z
SINCE = 1795429200.0


def notification(alert: str, second: int, group_key: str = "{}") -> dict[str, object]:
    alert_fields: dict[str, object] = {
        "alert": alert,
        "status": "firing",
        "severity": None,
        "labels": {},
        "annotations": {},
    }
    received_at = f"2026-11-23T10:20:{second}.000Z"
    return {"received_at": received_at, "group_key": group_key, "alerts": [alert_fields]}


def test_notifications_are_read_oldest_first(server: FakeServer) -> None:
    server.answers["/notifications"] = [notification("Late", 40), notification("Early", 30)]
    alerts = ResponderClient(server.url).received_alerts(SINCE, status="firing")
    assert [(alert.alert, alert.severity) for alert in alerts] == [("Early", ""), ("Late", "")]
    assert alerts[1].received_at - alerts[0].received_at == 10
    assert server.requests[0].query == {
        "since": "1795429200.000",
        "limit": "1000",
        "status": "firing",
    }


def test_adopted_alert_is_no_delivery(server: FakeServer) -> None:
    server.answers["/notifications"] = [
        notification("Adopted", 40, ADOPTED),
        notification("Delivered", 30),
    ]
    alerts = ResponderClient(server.url).received_alerts(SINCE)
    assert [alert.alert for alert in alerts] == ["Delivered"]


def action(second: int, ended: int | None, **changed: Any) -> dict[str, object]:
    """Return an action as the responder serves it, with fields that are not read."""
    return {
        "id": second,
        "alert": "Down",
        "fingerprint": "abc",
        "kind": "restart",
        "service": "web",
        "target": "web-2",
        "instances": None,
        "state": "running" if ended is None else "done",
        "dry_run": False,
        "started_at": f"2026-11-23T10:20:{second}.000Z",
        "finished_at": None if ended is None else f"2026-11-23T10:20:{ended}.500Z",
        **changed,
    }


def test_actions_are_read_oldest_first(server: FakeServer) -> None:
    server.answers["/actions"] = [action(40, None, kind="scale_out"), action(30, 31, dry_run=True)]
    done, acting = ResponderClient(server.url).actions(SINCE)
    assert done == PerformedAction(
        "Down", "restart", "web", "web-2", "done", SINCE + 30, SINCE + 31.5, True
    )
    assert (acting.kind, acting.state, acting.ended) == ("scale_out", "running", None)
    assert server.requests[0].query == {"limit": "1000"}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/actions", [{"id": 1}]),
        ("/actions", [action(30, 31, started_at="yesterday")]),
        ("/notifications", [{"received_at": "2026-11-23T10:20:00Z"}]),
        ("/notifications", {}),
    ],
)
def test_unknown_format_is_an_error(server: FakeServer, path: str, rows: object) -> None:
    server.answers[path] = rows
    responder = ResponderClient(server.url)
    with pytest.raises(UnreachableError, match="answers in an unknown format"):
        responder.actions(SINCE) if path == "/actions" else responder.received_alerts(SINCE)


def test_earlier_actions_do_not_count(server: FakeServer) -> None:
    server.answers["/actions"] = [action(40, 41), action(30, 45)]
    assert [action.began for action in ResponderClient(server.url).actions(SINCE + 31)] == [
        SINCE + 40
    ]


def decision(alert: str, second: int, reason: str) -> dict[str, object]:
    return {"alert": alert, "decided_at": f"2026-11-23T10:20:{second}.000Z", "reason": reason}


def test_newest_decision_has_the_reason(server: FakeServer) -> None:
    server.answers["/decisions"] = [
        decision("Other", 50, "it is another"),
        decision("Down", 40, "it is paused"),
        decision("Down", 30, "it is too soon"),
    ]
    responder = ResponderClient(server.url)
    assert responder.decision_reason("Down", SINCE) == "it is paused"
    assert responder.decision_reason("Down", SINCE + 41) == ""
    assert responder.decision_reason("Unheard", SINCE) == ""
    assert server.requests[0].query == {"limit": "1000"}


def test_stopped_responder_is_unreachable(server: FakeServer) -> None:
    responder = ResponderClient(server.url)
    server.close()
    for ask in (
        responder.actions,
        responder.received_alerts,
        lambda since: responder.decision_reason("Down", since),
    ):
        with pytest.raises(UnreachableError):
            ask(SINCE)

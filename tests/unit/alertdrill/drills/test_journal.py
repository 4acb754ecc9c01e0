from typing import Any

import pytest

from alertdrill.drills.errors import UnreachableError
from alertdrill.drills.journal import Acted, Journal
from tests.unit.alertdrill.drills.api import Api

# 2026-11-23T10:20:00Z
SINCE = 1795429200.0


def notification(alert: str, second: int) -> dict[str, object]:
    told: dict[str, object] = {
        "alert": alert,
        "status": "firing",
        "severity": None,
        "labels": {},
        "annotations": {},
    }
    return {"received_at": f"2026-11-23T10:20:{second}.000Z", "alerts": [told]}


def test_journal_is_read_oldest_first(api: Api) -> None:
    api.answers["/notifications"] = [notification("Late", 40), notification("Early", 30)]
    found = Journal(api.url).told(SINCE, status="firing")
    assert [(one.alert, one.severity) for one in found] == [("Early", ""), ("Late", "")]
    assert found[1].at - found[0].at == 10
    assert api.asked[0].query == {"since": "1795429200.000", "limit": "1000", "status": "firing"}


def action(second: int, ended: int | None, **changed: Any) -> dict[str, object]:
    """Return one as the responder shows it, with more than is read."""
    return {
        "id": second,
        "alert": "Down",
        "fingerprint": "abc",
        "kind": "restart",
        "service": "web",
        "target": "web-2",
        "instances": None,
        "state": "acting" if ended is None else "done",
        "dry_run": False,
        "began": f"2026-11-23T10:20:{second}.000Z",
        "ended": None if ended is None else f"2026-11-23T10:20:{ended}.500Z",
        **changed,
    }


def test_actions_are_read_oldest_first(api: Api) -> None:
    api.answers["/actions"] = [action(40, None, kind="scale_out"), action(30, 31, dry_run=True)]
    done, acting = Journal(api.url).actions(SINCE)
    assert done == Acted("Down", "restart", "web", "web-2", "done", SINCE + 30, SINCE + 31.5, True)
    assert (acting.kind, acting.state, acting.ended) == ("scale_out", "acting", None)
    assert api.asked[0].query == {"limit": "1000"}


def test_earlier_actions_do_not_count(api: Api) -> None:
    api.answers["/actions"] = [action(40, 41), action(30, 45)]
    assert [one.began for one in Journal(api.url).actions(SINCE + 31)] == [SINCE + 40]


def decision(alert: str, second: int, reason: str) -> dict[str, object]:
    return {"alert": alert, "decided_at": f"2026-11-23T10:20:{second}.000Z", "reason": reason}


def test_newest_decision_has_the_reason(api: Api) -> None:
    api.answers["/decisions"] = [
        decision("Other", 50, "it is another"),
        decision("Down", 40, "it is paused"),
        decision("Down", 30, "it is too soon"),
    ]
    journal = Journal(api.url)
    assert journal.decided("Down", SINCE) == "it is paused"
    assert journal.decided("Down", SINCE + 41) == ""
    assert journal.decided("Unheard", SINCE) == ""
    assert api.asked[0].query == {"limit": "1000"}


def test_absent_responder_is_unreachable(api: Api) -> None:
    journal = Journal(api.url)
    api.close()
    for ask in (journal.actions, journal.told, lambda since: journal.decided("Down", since)):
        with pytest.raises(UnreachableError):
            ask(SINCE)

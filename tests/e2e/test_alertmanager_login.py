"""Alertmanager answers no request without its password, and the stack's programs know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from alertdrill.clients.alertmanager import USER, Alertmanager
from alertdrill.clients.http import UnreachableError
from tests.e2e.stack import Stack, native_only

pytestmark = pytest.mark.stack
LABELS = {"alertname": "InstanceDown", "service": "web", "instance": "web-1", "severity": "ticket"}


def bodies() -> dict[str, object]:
    now = datetime.now(UTC)
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=1)).isoformat()}
    matcher = {"name": "instance", "value": "web-1", "isRegex": False, "isEqual": True}
    return {
        "alerts": [{"labels": LABELS, **times}],
        "silences": {"matchers": [matcher], **times, "createdBy": "a test", "comment": "no"},
    }


@pytest.mark.parametrize("login", [None, (USER, "guessed"), ("admin", "admin")])
@pytest.mark.parametrize("resource", ["alerts", "silences"])
def test_post_without_the_password_is_refused(
    stack: Stack, resource: str, login: tuple[str, str] | None
) -> None:
    url = stack.url("alertmanager", f"/api/v2/{resource}")
    response = requests.post(url, json=bodies()[resource], auth=login, timeout=10)
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/", "/api/v2/alerts", "/api/v2/status", "/metrics", "/-/ready"])
def test_no_path_is_open(stack: Stack, path: str) -> None:
    assert requests.get(stack.url("alertmanager", path), timeout=10).status_code == 401


def test_prometheus_knows_the_password(stack: Stack) -> None:
    stack.wait_for_scrape()
    assert stack.total('up{job="stack",service="alertmanager"}') == 1
    assert stack.total("prometheus_notifications_sent_total") > 0
    assert stack.total("prometheus_notifications_errors_total") == 0


@native_only
def test_client_names_the_file_of_a_wrong_password(stack: Stack, tmp_path: Path) -> None:
    right = stack.home / "native/alertmanager/password"
    assert right.stat().st_mode & 0o777 == 0o600
    names = {row["labels"]["alertname"] for row in _client(stack, right).alerts("Watchdog")}
    assert names == {"Watchdog"}
    wrong = tmp_path / "password"
    wrong.write_text("wrong")
    with pytest.raises(UnreachableError, match=f"Alertmanager refused the password in {wrong}"):
        _client(stack, wrong).alerts("Watchdog")


def _client(stack: Stack, password_file: Path) -> Alertmanager:
    return Alertmanager(stack.url("alertmanager"), password_file)

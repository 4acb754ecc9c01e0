import pytest

from alertdrill.clients.http import UnreachableError, get_json, is_ready, request
from tests.http_server import FakeServer


def test_error_has_status_and_body(server: FakeServer) -> None:
    server.answers["/x"] = 503
    with pytest.raises(UnreachableError, match=rf"^{server.url}/x answers 503: refused") as raised:
        get_json(f"{server.url}/x")
    assert (raised.value.status, raised.value.reason) == (503, "refused")


def test_closed_port_is_unreachable(server: FakeServer) -> None:
    server.close()
    with pytest.raises(
        UnreachableError, match=r"/x does not answer: check `alertdrill status`\.$"
    ) as raised:
        get_json(f"{server.url}/x")
    assert raised.value.status is None


def test_other_program_on_the_port_is_named(server: FakeServer) -> None:
    server.answers["/x"] = b"<html>"
    with pytest.raises(UnreachableError, match="/x answers without JSON: another program"):
        get_json(f"{server.url}/x")


@pytest.mark.parametrize(("answer", "ready"), [("ok", True), (204, False), (503, False)])
def test_ready_means_200(server: FakeServer, answer: object, ready: bool) -> None:
    server.answers["/ready"] = answer
    assert is_ready(f"{server.url}/ready", timeout=1.0) is ready


def test_program_that_asks_for_a_login_is_ready(server: FakeServer) -> None:
    server.answers["/ready"] = 401
    assert is_ready(f"{server.url}/ready", timeout=1.0)


def test_closed_port_is_not_ready(server: FakeServer) -> None:
    server.close()
    assert not is_ready(f"{server.url}/ready", timeout=1.0)


def test_settings_of_the_host_do_not_apply(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.answers["/x"] = {}
    request("GET", f"{server.url}/x", token="secret")
    assert server.requests[0].token == "secret"

import pytest
from flask.testing import FlaskClient

from tests.unit.alertdrill.control.conftest import FakeRuntime


def test_unknown_address_is_a_problem(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["status"] == 404


def test_wrong_method_is_a_problem(client: FlaskClient) -> None:
    assert client.delete("/instances").get_json()["title"] == "Method Not Allowed"


def test_unexpected_error_is_logged_in_one_line(
    client: FlaskClient, runtime: FakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.listed = None  # type: ignore[assignment]
    runtime.status = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    answer = client.get("/instances")
    assert (answer.status_code, "see its log for the reason" in answer.get_json()["detail"]) == (
        500,
        True,
    )
    [record] = caplog.records
    assert record.exc_info

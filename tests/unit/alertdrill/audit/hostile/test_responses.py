import pytest

from alertdrill.audit.hostile.responses import Response, parse_responses

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-ID: a\r\n\r\nok"
LOST = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx-request-id: b\r\n\r\n"


def test_responses_follow_one_another() -> None:
    assert parse_responses(OK + LOST, ["GET", "GET"], ended=False) == (
        [Response(200, "a"), Response(404, "b")],
        b"",
    )


@pytest.mark.parametrize("count", [5, 30, len(OK) - 1])
def test_incomplete_response_waits_for_its_rest(count: int) -> None:
    assert parse_responses(OK[:count], ["GET"], ended=False)[0] == []


def test_response_that_breaks_off_is_not_complete() -> None:
    [response], rest = parse_responses(OK[:-1], ["GET"], ended=True)
    assert (response.status, response.complete, rest) == (200, False, b"")


def test_response_to_head_has_no_body() -> None:
    head = OK[:-2]
    assert parse_responses(head + LOST, ["HEAD", "GET"], ended=False)[0] == [
        Response(200, "a"),
        Response(404, "b"),
    ]
    assert parse_responses(head, [], ended=True)[0] == [Response(200, "a")]
    assert len(parse_responses(head + OK + LOST, [], ended=False)[0]) == 3


def test_haproxy_answers_head_with_a_body_if_it_has_not_understood_it() -> None:
    page = b"HTTP/1.1 400 Bad request\r\nContent-length: 3\r\n\r\n<p>"
    assert parse_responses(page, ["HEAD"], ended=True) == ([Response(400, "")], b"")


def test_interim_response_is_none() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
    assert parse_responses(data, ["POST"], ended=False)[0] == [Response(200, "a")]


def test_chunks_end_the_response() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"3\r\nabc\r\n0\r\n\r\n"
    assert parse_responses(head + chunks + LOST, ["GET"] * 2, ended=False)[0][1].status == 404
    assert parse_responses(head + chunks[:-3], ["GET"], ended=False)[0] == []


@pytest.mark.parametrize(
    "body", [b"# HELP a b\n", b'{"status":"ready"}\n', b'{"status": "alive"}', b'{"faults":[]}']
)
def test_answer_of_operations_is_recognized(body: bytes) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert parse_responses(data, ["GET"], ended=True)[0][0].of_operations


def test_other_bytes_are_left() -> None:
    assert parse_responses(b"\0\0\0\4", [], ended=True) == ([], b"\0\0\0\4")

from __future__ import annotations

import os

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry.context import RequestContext, current
from tests.http_server import Peer

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize("header", [VALID, f" {VALID} ", f"cc-{TRACE}-{PARENT}-01-what-else"])
def test_valid_traceparent_continues_the_trace(header: str) -> None:
    context = RequestContext(header, None)
    assert context.trace_id == TRACE
    assert context.span_id != PARENT
    assert context.traceparent() == f"00-{TRACE}-{context.span_id}-01"


@pytest.mark.parametrize(("flags", "sent_on"), [("00", "00"), ("01", "01"), ("02", "00")])
def test_sampled_flag_is_sent_on(flags: str, sent_on: str) -> None:
    assert (
        RequestContext(f"00-{TRACE}-{PARENT}-{flags}", None).traceparent().endswith(f"-{sent_on}")
    )


@pytest.mark.parametrize(
    "header",
    [
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"cc-{TRACE}-{PARENT}-01more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        VALID.upper(),
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"{VALID}\n{VALID}",
        "junk",
        "",
        None,
    ],
)
def test_invalid_traceparent_begins_a_trace(header: str | None) -> None:
    context = RequestContext(header, None)
    assert context.trace_id != TRACE
    assert len(context.trace_id) == 32
    assert int(context.trace_id, 16)
    assert int(context.span_id, 16)


@pytest.mark.parametrize("header", ["a", "A-1_b.c:9", "x" * 128])
def test_plain_request_id_is_kept(header: str) -> None:
    assert RequestContext(None, header).request_id == header


@pytest.mark.parametrize("header", [None, "", "x" * 129, "a b", "a\n", "a\nb", 'a"', "é", "{}"])
def test_invalid_request_id_is_replaced(header: str | None) -> None:
    generated = RequestContext(None, header).request_id
    assert generated != header
    assert len(generated) == 32


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", path) for path in ("/items/1", "/items/x", "/fail", "/nowhere")],
        *[("POST", "/items/1"), ("BREW", "/items/1"), ("POST", "/read")],
    ],
)
def test_every_response_echoes_the_id(client: FlaskClient, method: str, path: str) -> None:
    body = "x" * 2000  # over the limit where it is read
    answer = client.open(path, method=method, data=body, headers={"X-Request-ID": "mine-1"})
    assert answer.headers.getlist("X-Request-ID") == ["mine-1"]


def test_context_ends_with_the_request(client: FlaskClient) -> None:
    for path in ("/items/1", "/fail"):
        client.get(path)
        assert current() is None


def test_ids_differ_between_requests_and_processes() -> None:
    ids = {RequestContext().request_id for _ in range(200)}
    assert len(ids) == 200
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.write(writer, RequestContext().trace_id.encode())
        os._exit(0)
    os.waitpid(child, 0)
    forked = os.read(reader, 100).decode()
    assert len(forked) == 32
    assert forked not in {RequestContext().trace_id for _ in range(200)}


def test_outgoing_call_carries_the_context(app: Flask, peer: Peer) -> None:
    session = app.extensions["telemetry"].session("peer")
    spans: list[str] = []

    def ask() -> str:
        context = current()
        assert context is not None
        spans.append(context.span_id)
        return str(session.get(peer.url).status_code)

    app.add_url_rule("/ask", "ask", ask)
    app.test_client().get("/ask", headers={"traceparent": VALID, "X-Request-ID": "mine-1"})
    (arrival,) = peer.requests
    assert arrival.headers["traceparent"] == f"00-{TRACE}-{spans[0]}-01"
    assert arrival.headers["X-Request-ID"] == "mine-1"

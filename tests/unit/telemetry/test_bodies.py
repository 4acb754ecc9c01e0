"""Bodies of another kind: files that the server sends with sendfile, and text, a mistake."""

from __future__ import annotations

import io
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Response, send_file
from gunicorn.http.wsgi import FileWrapper
from werkzeug.test import EnvironBuilder

from alertdrill_telemetry.drain import DrainState
from tests.unit.telemetry.instance import TIMEOUT_S, Instance, poll_until
from tests.unit.telemetry.observed import Shop, access

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Lines = Callable[[], list[dict[str, Any]]]
WRAPPER = {"wsgi.file_wrapper": FileWrapper}
# Larger than the buffers of a connection on the loopback.
SIZE = 32 * 1024 * 1024
APP = """
import pathlib, socket
from flask import Flask, send_file
from prometheus_client import Counter
from alertdrill_telemetry import init_app

app = Flask("files")
init_app(app, "files")
app.add_url_rule("/file", view_func=lambda: send_file(pathlib.Path(__file__).with_name("file")))
sent = Counter("sendfile_total", "Calls.")
sendfile = socket.socket.sendfile


def counted(*args, **options):
    sent.inc()
    return sendfile(*args, **options)


socket.socket.sendfile = counted
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "files_app.py").write_text(APP)
    (folder / "file").write_bytes(os.urandom(1024) * (SIZE // 1024))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    with Instance(1, folder, "files_app:app", PYTHONPATH=path) as instance:
        yield instance


def line_after(instance: Instance, lines: int) -> dict[str, Any]:
    (line,) = poll_until(lambda: instance.lines("access")[lines:], "the access line")
    assert instance.samples()["http_requests_in_flight"] == 0
    return line


def test_file_is_sent_by_the_server(instance: Instance) -> None:
    before, lines = instance.samples().get("sendfile_total", 0), len(instance.lines("access"))
    answer = requests.get(f"{instance.url}/file", timeout=TIMEOUT_S)
    assert answer.content == (instance.log.parent / "file").read_bytes()
    line = line_after(instance, lines)
    assert (line["status"], line["route"], "error" in line) == (200, "/file", False)
    assert instance.samples()["sendfile_total"] == before + 1


def test_client_that_goes_away_in_a_file_is_counted(instance: Instance) -> None:
    lines = len(instance.lines("access"))
    with socket.create_connection(("127.0.0.1", instance.port)) as client:
        client.sendall(b"GET /file HTTP/1.1\r\nHost: here\r\n\r\n")
        assert client.recv(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line = line_after(instance, lines)
    assert (line["status"], line["error"]) == (200, "client disconnected")


@pytest.fixture
def body(shop: Shop) -> Any:
    """Return the response with a file, before the server sends it."""
    shop.app.add_url_rule("/file", view_func=lambda: send_file(__file__))
    environ = EnvironBuilder("/file").get_environ() | {"SERVER_SOFTWARE": "test", **WRAPPER}
    return shop.app(environ, lambda *_: lambda _: None)


def test_file_that_breaks_off_is_an_error(shop: Shop, body: Any, lines: Lines) -> None:
    with suppress(OSError), closing(body):  # the server closes it while the error passes
        raise OSError("broken disk")
    assert body.filelike.closed
    (line,) = access(lines())
    assert (line["level"], line["error"]) == ("ERROR", "builtins.OSError: broken disk")
    assert (shop.total("200"), shop.exceptions("200")) == (1, 1)


def test_thread_that_sends_a_file_does_not_hang(body: Any) -> None:
    drain = DrainState(clock=lambda: time.monotonic() + 60)
    drain.threads = 1
    assert (drain.in_flight(), drain.stalled_for()) == (1, 0)
    body.close()
    drain.change_in_flight(1, time.monotonic())
    assert drain.stalled_for() > 0  # the end of the file is no open connection less


def test_file_in_memory_that_cannot_be_read_is_500(shop: Shop) -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise OSError("broken")

    def view() -> Response:
        return Response(FileWrapper(Broken()), direct_passthrough=True)

    shop.app.add_url_rule("/", view_func=view)
    assert shop.get("/", **WRAPPER).status == 500
    assert shop.total("500") == 1


@pytest.mark.parametrize(("parts", "status"), [(["a"], "500"), ([b"a", "b"], "200")])
def test_part_that_is_text_is_an_error(shop: Shop, lines: Lines, parts: Any, status: str) -> None:
    def respond(_: object, start_response: StartResponse) -> Any:
        start_response("200 OK", [])
        return parts

    shop.app.wsgi_app = respond  # type: ignore[method-assign, assignment]
    answer = shop.get("/")
    assert (str(answer.status), answer.complete) == (status, status == "500")
    assert (shop.total(status), shop.exceptions(status)) == (1, 1)
    (line,) = access(lines())
    assert (line["status"], line["level"]) == (int(status), "ERROR")
    assert line["error"].startswith("builtins.TypeError: ")
    assert shop.in_flight() == 0

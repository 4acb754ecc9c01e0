"""Uploads: multipart, limits of the application, chunked bodies, and bodies that nothing reads."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from flask import Flask, request
from flask.typing import ResponseReturnValue

from tests.foreign import cases
from tests.foreign.cases import (
    Application,
    Case,
    Instrument,
    case,
    chunked,
    form,
    get,
    post,
    upload,
)

# Above the limit that telemetry has for our own services (1 MiB).
LIMIT = 3_000_000
BYTES = "application/octet-stream"


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=LIMIT, MAX_FORM_MEMORY_SIZE=200_000, MAX_FORM_PARTS=5)

    @app.post("/upload")
    def uploaded() -> ResponseReturnValue:
        return {
            "fields": request.form.to_dict(flat=False),
            "files": {
                name: [file.filename, hashlib.sha256(file.read()).hexdigest()]
                for name, file in request.files.items()
            },
        }

    @app.post("/digest")
    def digest() -> ResponseReturnValue:
        body = request.get_data()
        return {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    @app.post("/stream")
    def stream() -> ResponseReturnValue:
        parts = iter(lambda: request.stream.read(1000), b"")
        return {"lengths": sum(map(len, parts)), "limit": request.max_content_length}

    @app.post("/unread")
    def unread() -> ResponseReturnValue:
        return "not read"

    @app.post("/half-read")
    def half_read() -> ResponseReturnValue:
        return request.stream.read(3)

    @app.post("/small")
    def small() -> ResponseReturnValue:
        request.max_content_length = 10
        return request.get_data()

    return instrument(app)


CHUNKED = [("Transfer-Encoding", "chunked"), ("Content-Type", BYTES)]


def twice(name: str, first: bytes, *, status: int = 200) -> Case:
    """Return two requests on one connection: `first`, and a GET of /missing."""
    second = cases.request("GET", "/missing", [("X-Request-ID", f"{name}-2")])
    return Case(name, first + second, ["POST", "GET"], [status, 404])


APPLICATION = Application(
    create,
    [
        upload(
            "multipart", "/upload", {"a": b"1", "b": "ü".encode(), "f": ("x.bin", b"\0\1\2" * 99)}
        ),
        upload("large-file", "/upload", {"file": ("large.bin", b"z" * 2_000_000)}),
        upload("over-the-limit", "/upload", {"file": ("x", b"z" * (LIMIT + 1))}, status=413),
        upload("field-over-the-limit", "/upload", {"a": b"z" * 300_000}, status=413),
        upload("too-many-parts", "/upload", {f"n{n}": b"" for n in range(9)}, status=413),
        post("no-boundary", "/upload", b"--x\r\n", "multipart/form-data"),
        post("broken-multipart", "/upload", b"nothing", "multipart/form-data; boundary=x"),
        form("form", "/upload", "a=1&a=2&b=%C3%BC&c=+"),
        form("large-form", "/upload", f"a={'z' * 300_000}"),
        post("body", "/digest", b"abc" * 1000, BYTES),
        post("body-of-2-mb", "/digest", b"m" * 2_000_000, BYTES),
        post("body-over-the-limit", "/digest", b"m" * (LIMIT + 1), BYTES, status=413),
        post("empty-body", "/digest", b"", BYTES),
        case("no-body", "POST", "/digest"),
        post("stream", "/stream", b"s" * 12_345, BYTES),
        case("chunked", "POST", "/digest", chunked(b"abc" * 500, b"x"), headers=CHUNKED),
        case("chunked-stream", "POST", "/stream", chunked(b"s" * 5000), headers=CHUNKED),
        case(
            "chunked-beyond-the-limit",
            "POST",
            "/digest",
            chunked(*[b"x" * 500_000] * 7),
            headers=CHUNKED,
        ),
        post("limit-of-a-view", "/small", b"x" * 11, BYTES, status=413),
        post("unread", "/unread", b"u" * 100_000, BYTES),
        post("half-read", "/half-read", b"abcdef", BYTES),
        get("not-allowed", "/digest", status=405),
        post("body-of-a-404", "/missing", b"u" * 100_000, BYTES, status=404),
        twice(
            "unread-then-another", cases.request("POST", "/unread", (), b"u" * 5000, close=False)
        ),
        twice("read-then-another", cases.request("POST", "/digest", (), b"u" * 5000, close=False)),
        replace(
            post("continue", "/digest", b"abc", BYTES, headers=[("Expect", "100-continue")]),
            status=[100, 200],
        ),
        post(
            "body-that-ends-early",
            "/digest",
            b"abc",
            BYTES,
            headers=[("Content-Length", "9")],
            half_close=True,
        ),
        Case("bad-request-line", b"HELLO\r\n\r\n", ["GET"], [400], counted=[]),
        get(
            "header-over-the-limit",
            "/digest",
            status=431,
            headers=[("X-Large", "x" * 9000)],
            counted=[],
        ),
    ],
)

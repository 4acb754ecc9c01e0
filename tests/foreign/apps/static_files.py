"""Static files, send_file and send_from_directory: ranges, conditions, names."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, make_response, request, send_file, send_from_directory
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get

FILES = Path(__file__).with_name("files")
LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__, static_folder="files", static_url_path="/assets")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 600

    @app.get("/story")
    def story() -> ResponseReturnValue:
        return send_file(FILES / "story.txt", etag="one", last_modified=LONG_AGO)

    @app.get("/memory")
    def memory() -> ResponseReturnValue:
        return send_file(io.BytesIO(b"m" * 300_000), "application/x-own", max_age=5)

    @app.get("/download")
    def download() -> ResponseReturnValue:
        return send_file(
            FILES / "story.txt", as_attachment=True, download_name="Märchen.txt", etag="d"
        )

    @app.get("/folder/<path:name>")
    def folder(name: str) -> ResponseReturnValue:
        return send_from_directory(FILES, name)

    @app.get("/conditional")
    def conditional() -> ResponseReturnValue:
        response = make_response("a" * 100)
        response.add_etag()
        response.last_modified = LONG_AGO
        return response.make_conditional(request, accept_ranges=True, complete_length=100)

    return instrument(app)


# A file may be kept for a time that starts now.
EXPIRES = {"expires": r"Expires: ([^\r]+)"}
CASES = [
    get("static", "/assets/story.txt"),
    get("static-html", "/assets/page.html"),
    get("static-missing", "/assets/none.txt", status=404),
    get("static-outside", "/assets/../static_files.py", status=404),
    get("static-encoded-outside", "/assets/%2e%2e/static_files.py", status=404),
    case("static-head", "HEAD", "/assets/story.txt"),
    case("static-post", "POST", "/assets/story.txt", b"", status=405),
    get("file", "/story"),
    get("first-bytes", "/story", status=206, headers=[("Range", "bytes=0-9")]),
    get("last-bytes", "/story", status=206, headers=[("Range", "bytes=-9")]),
    get("from-a-byte", "/story", status=206, headers=[("Range", "bytes=9000-")]),
    get("beyond-the-end", "/story", status=416, headers=[("Range", "bytes=99999-")]),
    get("several-ranges", "/story", status=416, headers=[("Range", "bytes=0-1,4-5")]),
    get("other-unit", "/story", status=416, headers=[("Range", "lines=0-1")]),
    get(
        "if-range",
        "/story",
        status=206,
        headers=[("Range", "bytes=0-9"), ("If-Range", '"one"')],
    ),
    get("if-range-changed", "/story", headers=[("Range", "bytes=0-9"), ("If-Range", '"two"')]),
    get("etag", "/story", status=304, headers=[("If-None-Match", '"zero", "one"')]),
    get("any-etag", "/story", status=304, headers=[("If-None-Match", "*")]),
    get(
        "not-modified",
        "/story",
        status=304,
        headers=[("If-Modified-Since", "Thu, 02 Jan 2020 03:04:05 GMT")],
    ),
    get("modified", "/story", headers=[("If-Modified-Since", "Thu, 02 Jan 2020 03:04:04 GMT")]),
    get("precondition", "/conditional", status=412, headers=[("If-Match", '"other"')]),
    get("conditional", "/conditional"),
    get("conditional-range", "/conditional", status=206, headers=[("Range", "bytes=10-19")]),
    case("head-with-range", "HEAD", "/story", status=206, headers=[("Range", "bytes=0-9")]),
    get("memory", "/memory"),
    get("memory-range", "/memory", status=206, headers=[("Range", "bytes=100-199")]),
    get("download", "/download"),
    get("folder", "/folder/page.html"),
    get("folder-outside", "/folder/..%2fstatic_files.py", status=404),
]
APPLICATION = Application(create, [replace(case, random=EXPIRES) for case in CASES])

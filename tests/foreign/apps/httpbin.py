"""httpbin from PyPI: 40 routes that echo requests, and make every kind of answer."""

from __future__ import annotations

import base64

from flask import Flask

from tests.foreign.cases import (
    Application,
    Case,
    Instrument,
    case,
    chunked,
    form,
    get,
    post,
    post_json,
    upload,
)


def create(instrument: Instrument) -> Flask:
    from httpbin import app

    return instrument(app)


def authorization(text: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Basic {base64.b64encode(text.encode()).decode()}")]


# The header of a gzip file has the time of its compression, and an id is random.
GZIP_TIME = r"\x1f\x8b\x08\x00(.{4})"
UUID = r'"uuid": "([0-9a-f-]{36})"'
NONCE = {
    "nonce": r'nonce="([0-9a-f]{32})"',
    "opaque": r'opaque="([0-9a-f]{32})"',
}
ECHOES: list[Case] = [
    get("get", "/get?a=1&b=2&b=3"),
    get("headers", "/headers", headers=[("X-Own", "1"), ("x-lower", "2"), ("X-Own", "3")]),
    get("ip", "/ip", headers=[("X-Forwarded-For", "203.0.113.9")]),
    get("user-agent", "/user-agent", headers=[("User-Agent", "suite/1.0")]),
    form("post-form", "/post", "a=1&b=%C3%BC"),
    post_json("post-json", "/post", '{"a": [1, 2.5, null]}'),
    post("post-bytes", "/post", bytes(range(256)), "application/octet-stream"),
    upload("post-multipart", "/post", {"field": b"value", "file": ("a.txt", b"content")}),
    post("post-2-mb", "/post", b"a" * 2_000_000, "text/plain"),
    case(
        "post-chunked",
        "POST",
        "/post",
        chunked(b"abc", b"def"),
        headers=[("Transfer-Encoding", "chunked")],
    ),
    case("put", "PUT", "/put", b"put"),
    case("patch", "PATCH", "/patch", b"patch"),
    case("delete", "DELETE", "/delete?a=1", b"delete"),
    case("anything", "PATCH", "/anything/at/all?x=1", b"{}"),
    case("trace", "TRACE", "/anything"),
    case("other-method", "PURGE", "/anything", status=405),
    case("not-allowed", "DELETE", "/get", status=405),
    case("options", "OPTIONS", "/post", headers=[("Origin", "https://a.example")]),
    case("head", "HEAD", "/get"),
    get(
        "behind-https",
        "/get",
        headers=[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.example")],
    ),
]
PAGES: list[Case] = [
    get("home", "/"),
    get("html", "/html"),
    get("robots", "/robots.txt"),
    get("deny", "/deny"),
    get("xml", "/xml"),
    get("json", "/json"),
    get("utf-8", "/encoding/utf8"),
    get("form-page", "/forms/post"),
    get("links", "/links/5/2"),
    get("links-redirect", "/links/5", status=302),
    get("image", "/image", headers=[("Accept", "image/webp")]),
    get("image-not-acceptable", "/image", status=406, headers=[("Accept", "text/plain")]),
    get("png", "/image/png"),
    get("svg", "/image/svg"),
    get("base64", "/base64/SFRUUEJJTg=="),
    get("static", "/static/favicon.ico"),
    get("missing", "/missing", status=404),
    get("uuid", "/uuid", random={"uuid": UUID}),
]
STATUSES: list[Case] = [
    *(get(f"status-{code}", f"/status/{code}", status=code) for code in (200, 201, 202, 204, 205)),
    *(get(f"status-{code}", f"/status/{code}", status=code) for code in (300, 301, 303, 304, 307)),
    *(get(f"status-{code}", f"/status/{code}", status=code) for code in (400, 401, 402, 406, 407)),
    *(get(f"status-{code}", f"/status/{code}", status=code) for code in (418, 429, 500, 503, 599)),
    get("status-of-no-number", "/status/x", status=400),
    case("status-by-post", "POST", "/status/409", status=409),
    get("redirect", "/redirect/3", status=302),
    get("relative-redirect", "/relative-redirect/2", status=302),
    get("absolute-redirect", "/absolute-redirect/2", status=302),
    get("redirect-to", "/redirect-to?url=https://example.org/%C3%BC&status_code=307", status=307),
    get("response-headers", "/response-headers?X-One=1&X-Two=2&X-One=3&Server=own"),
]
CONDITIONS: list[Case] = [
    get(
        "cache",
        "/cache",
        random={"etag of cache": r"ETag: ([0-9a-f]{32})", "modified": r"Last-Modified: ([^\r]+)"},
    ),
    get("not-modified", "/cache", status=304, headers=[("If-None-Match", "x")]),
    get("cache-control", "/cache/60"),
    get("etag", "/etag/one"),
    get("etag-matches", "/etag/one", status=304, headers=[("If-None-Match", '"one", W/"two"')]),
    get("etag-fails", "/etag/one", status=412, headers=[("If-Match", '"two"')]),
    get("range", "/range/1000", status=206, headers=[("Range", "bytes=10-19")]),
    get("range-whole", "/range/100"),
    get("range-beyond", "/range/100", status=416, headers=[("Range", "bytes=500-600")]),
    get(
        "range-in-chunks",
        "/range/1000?duration=0&chunk_size=100",
        status=206,
        headers=[("Range", "bytes=5-")],
    ),
]
COOKIES: list[Case] = [
    get("cookies", "/cookies", headers=[("Cookie", "a=1; b=two")]),
    get("set-cookie", "/cookies/set/a/1", status=302),
    get("set-cookies", "/cookies/set?a=1&b=2", status=302),
    get("delete-cookie", "/cookies/delete?a", status=302, headers=[("Cookie", "a=1")]),
    get("basic-auth", "/basic-auth/ann/secret", headers=authorization("ann:secret")),
    get(
        "basic-auth-fails", "/basic-auth/ann/secret", status=401, headers=authorization("ann:wrong")
    ),
    get("hidden-basic-auth", "/hidden-basic-auth/ann/secret", status=404),
    get("bearer", "/bearer", headers=[("Authorization", "Bearer token")]),
    get("bearer-missing", "/bearer", status=401),
    get("digest-auth", "/digest-auth/auth/ann/secret", status=401, random=NONCE),
]
STREAMS: list[Case] = [
    get("stream", "/stream/5"),
    get("stream-bytes", "/stream-bytes/50000?seed=1&chunk_size=1000"),
    get("bytes", "/bytes/5000?seed=2"),
    get("drip", "/drip?numbytes=5&duration=0.2&delay=0", min_duration_ms=150),
    get("drip-with-a-code", "/drip?numbytes=3&duration=0.01&code=503", status=503),
    get("delay", "/delay/0.1", min_duration_ms=100),
    get("gzip", "/gzip", random={"time of gzip": GZIP_TIME}),
    get("deflate", "/deflate"),
    get("brotli", "/brotli"),
]

APPLICATION = Application(create, [*ECHOES, *PAGES, *STATUSES, *CONDITIONS, *COOKIES, *STREAMS])

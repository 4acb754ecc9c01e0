"""The kinds of inputs that break HTTP itself, or use rare parts of it."""

from __future__ import annotations

from collections.abc import Mapping

from .draw import METHODS, Draft, Draw, Make
from .inputs import HALF_CLOSES, STALLS, wrap

VERSIONS = (
    b"HTTP/1.1 HTTP/1.0 HTTP/0.9 HTTP/1.2 HTTP/2.0 HTTP/3 http/1.1 HTTP/11 HTTP/1. HTTPS/1.1 X"
)
OPERATIONS = ("metrics", "faults", "healthz", "readyz", "faults/latency")
# What stands around the name of an operation.
STARTS: tuple[str, ...] = (
    "/",
    "//",
    "/./",
    "/x/../",
    "/%2e/",
    "/x/%2e%2e/",
    "/%2f",
    "/\\",
    "/;",
    "/process/../",
    "/x/",
)
STARTS += (
    "/%00",
    "/ ",
    "http://localhost/",
    "http://localhost//",
    "/?/",
    "/%09",
    "/../",
    "/%2e%2e/",
)
ENDS = ("", "", "", "/", "?", "?a", "%20", "%00", ";a", "#a", "/..", "/.", "//", ".", "\t", "%0a")
# Header fields that programs between client and application act on.
FIELDS = [
    b"SCRIPT_NAME: /metrics",
    b"Script-Name: /metrics",
    b"PATH_INFO: /metrics",
    b"Path-Info: /metrics",
    b"X-Forwarded-For: 127.0.0.1, 10.0.0.1",
    b"X-Forwarded-For: \xff",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Proto: http, https",
    b"X-Forwarded-Protocol: ssl",
    b"X-Forwarded-Ssl: on",
    b"X-Forwarded-Host: a.invalid",
    b"X-Forwarded-Port: 99999",
    b"X-Forwarded-Prefix: /metrics",
    b"Forwarded: for=_x;proto=https",
    b"X-Original-URL: /metrics",
    b"X-Rewrite-URL: /faults",
    b"X-HTTP-Method-Override: DELETE",
    b"X-Alertdrill-Warm-Up: 1",
    b"X_Request_ID: a",
    b"X-Request-ID: second",
    b"X-Request-ID: a b",
    b"X-Request-ID: ",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"tracestate: a=1,,b",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: X-Request-ID, Host, Content-Length",
    b"Connection: upgrade",
    b"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    b"Upgrade: h2c\r\nConnection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAA",
    b"TE: trailers",
    b"Host: b.invalid",
    b"Host: ",
    b"Host: a:b:c/d?e",
    b"Host: [::1",
    b"Range: bytes=0-1,5-,-3",
    b"Range: bytes=9-1",
    b"If-None-Match: *",
    b"If-Modified-Since: Thu, 99 Foo 0000",
    b"If-Range: \xff",
    b"Accept: \x80",
    b"Accept-Encoding: gzip;q=2, br",
    b"Cookie: a=\x01; =; ;b",
    b"Authorization: Basic \xff",
    b"Content-Encoding: gzip",
    b"Content-Type: application/json",
    b"Max-Forwards: 0",
    b"Via: 1.1 lb",
    b"Proxy: http://127.0.0.1:1",
    b"Proxy-Connection: keep-alive",
    b"Keep-Alive: timeout=0",
    b"Expect: 100-continue",
    b"Expect: 200-ok",
]
LENGTHS = [b"0", b"3", b"+3", b"-1", b"3, 3", b"3, 4", b"03", b"0x3", b"3.0", b"", b" ", b"9" * 30]
CODINGS = [b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, identity"]
CODINGS += [b"identity", b"xchunked", b"\x0bchunked", b"chunked;a=b", b"gzip", b"", b'"chunked"']
SIZES = [
    b"3",
    b"03",
    b"3;a=b",
    b'3;a="\n"',
    b"3 ",
    b" 3",
    b"0x3",
    b"-3",
    b"+3",
    b"g",
    b"",
    b"\x003",
]
SIZES += [b"f" * 16, b"1" + b"0" * 16, b"3;" + b"a" * 300, b"00000000000000000003", b"3\t", b"3_0"]
TRAILERS = [b"X-Trailer: 1", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: a"]
TRAILERS += [b"X-Request-ID: t", b"Authorization: a", b"Connection: close", b"a b: c", b"", b":"]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = bytes.fromhex("16030100450100004103035f") + bytes(31) + bytes.fromhex(
    "000004130113020100001400000010000e00000b6578616d706c652e636f6d"
)  # fmt: skip


def request_lines(draw: Draw) -> Draft:
    """Return a request whose request line is broken."""
    line = f"{draw.one(METHODS)} {draw.path()} ".encode() + draw.one(VERSIONS.split())
    match draw.random.randrange(6):
        case 0:
            line = draw.mutate(line)
        case 1:
            line = line.replace(b" ", draw.one((b"  ", b"\t", b"", b" \r ", b"\0", b"\xa0")))
        case 2:
            line = draw.one((b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\0")) + line
        case 3:
            line = b" ".join(draw.some(line.split(), 3))
        case 4:
            line += draw.one((b" ", b"\r", b" x", b"\n", b"\t"))
    end = draw.one((b"\r\n", b"\r\n", b"\n", b"\r"))
    return Draft(end.join([line, *draw.fields(), b"", b""]))


def odd_methods(draw: Draw) -> Draft:
    """Return a request with a method that is rare, unknown or no token."""
    rare = [
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "get",
        "Post",
        "G",
        "-",
        "_",
        "QUERY",
        "A" * 20,
        "A" * 40,
    ]
    method = draw.one((draw.one(rare).encode(), draw.token(30), draw.junk(8), b"M" * 5000))
    target = draw.path().encode() if draw.chance(0.8) else b"*"
    return Draft(wrap([method + b" " + target + b" HTTP/1.1", *draw.fields()]))


def targets(draw: Draw) -> Draft:
    """Return a request whose target has control characters, encodings or dot segments."""
    odd = [
        b"%00",
        b"%0d%0aX: y",
        b"%",
        b"%zz",
        b"%2",
        b"/./",
        b"/../",
        b"//",
        b"\\",
        b"#a",
        b"?",
        b"*",
    ]
    odd += [
        b";a",
        b"%252e",
        b"\xc3\xa9",
        b"\xff",
        b"%ff",
        b"%ed%a0%80",
        b"{}",
        b'"',
        b"<",
        b"|",
        b"^",
    ]
    pieces = draw.some([*odd, draw.junk(3), draw.path().encode()], 6)
    start = draw.one((b"/", b"/", b"/", b"", b"*", b"?"))
    return Draft(wrap([b"GET " + start + b"".join(pieces) + b" HTTP/1.1", *draw.fields()]))


def other_forms(draw: Draw) -> Draft:
    """Return a request with a target in absolute form or authority form."""
    scheme = draw.one(("http", "https", "HTTP", "ftp", "file", "ws", "x", ""))
    host = draw.one(
        ("localhost", "localhost:99999", "a@b", "[::1]", "", "a:b@c:1", "127.0.0.1", "é")
    )
    path = draw.one((draw.path(), "", "/metrics", "?a", "//metrics"))
    target = draw.one((f"{scheme}://{host}{path}", f"{host}:80", host, f"//{host}{path}", ":1"))
    return Draft(draw.request(draw.one(("GET", "POST", "CONNECT", "OPTIONS")), target or "x"))


def conflicting_lengths(draw: Draw) -> Draft:
    """Return a request with several lengths, or a length and a transfer coding."""
    fields = [b"Content-Length: " + length for length in draw.some(LENGTHS, 2)]
    names = (b"Transfer-Encoding: ", b"Transfer-Encoding : ", b"transfer-encoding:\t", b"TE: ")
    fields += [draw.one(names) + coding for coding in draw.some(CODINGS, 2)]
    draw.random.shuffle(fields)
    smuggled = draw.request()
    body = draw.one((b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\n\r\n" + smuggled, smuggled, b""))
    head = draw.head(draw.one(("GET", "POST")), "", b"Content-Type: application/json", *fields)
    if draw.chance(0.2):
        head[0] = head[0].replace(b"HTTP/1.1", b"HTTP/1.0")
    return Draft(wrap(head, body))


def chunks(draw: Draw) -> Draft:
    """Return a request with chunks, of which some are not valid."""
    end = draw.one((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""))
    sizes = [*draw.some([b"3", *SIZES], 4), draw.one((b"0", b"0", b"00", b"0;a", b""))]
    body = b"".join(
        size + end + (b"" if size.strip(b"0") == b"" else b"abc" + end) for size in sizes
    )
    return Draft(wrap(_chunked(draw), body + b"\r\n"))


def trailers(draw: Draw) -> Draft:
    """Return a request with trailers, forbidden ones too."""
    fields = draw.some([*TRAILERS, draw.junk(6), draw.token(9) + b": " + b"a" * 9000], 4)
    body = b"2\r\n{}\r\n0\r\n" + b"".join(field + b"\r\n" for field in fields)
    return Draft(wrap([*_chunked(draw), b"Trailer: X-Trailer"], body + b"\r\n"))


def _chunked(draw: Draw) -> list[bytes]:
    more = (b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    return draw.head("POST", "", *more)


def header_fields(draw: Draw) -> Draft:
    """Return a request with header fields of any bytes."""
    fields = []
    for _ in range(draw.random.randint(1, 4)):
        name = draw.one((draw.token(8), draw.token(20), b"X-A", b"Accept", b"Cookie", b"Referer"))
        value = draw.one(
            (draw.token(20), b"", bytes([draw.random.randrange(256)]), b" \t\xff\xfe ")
        )
        separator = draw.one((b": ", b":", b":\t"))
        if draw.chance(0.1):
            name = draw.one((draw.junk(3), b"", b"Host", b"X-Request-ID"))
        if draw.chance(0.1):
            value = draw.junk(8)
        if draw.chance(0.1):
            separator = draw.one((b" : ", b""))
        fields.append(name + separator + value)
    if draw.chance(0.1):
        fields.append(draw.one((b" folded", b"\tfolded", b"\0", b":", b"=")))
    draw.random.shuffle(fields)
    return Draft(draw.request(draw.one(("GET", "POST")), "", *fields))


def known_fields(draw: Draw) -> Draft:
    """Return a request with header fields that change what a proxy or an application does."""
    fields = [field for field in draw.some(FIELDS, 5) if not field.startswith(b"Expect")]
    method = draw.one(METHODS)
    return Draft(draw.request(method, "", *fields), (method,) if len(fields) < 2 else ())


def long_heads(draw: Draw) -> Draft:
    """Return a request with a head around the limits."""
    if draw.chance(0.5):
        size = draw.one((4000, 8100, 8190, 8200, 16_000, 23_000, 24_000, 25_000, 40_000))
        fields = [b"X: " + b"a" * (size + draw.random.randint(-99, 99))]
    else:
        count = draw.one((80, 88, 90, 95, 100, 101, 130, 250, 256, 260, 1000))
        fields = [b"X%d: a" % number for number in range(count + draw.random.randint(-3, 3))]
    return Draft(draw.request("GET", "", *fields))


def long_targets(draw: Draw) -> Draft:
    """Return a request with a target around the limits."""
    size = draw.one((3990, 4000, 4010, 4094, 8190, 23_000, 25_000)) + draw.random.randint(-20, 20)
    piece = draw.one(("a", "/", "%41", "?", "..", "%00"))
    return Draft(draw.request(draw.one(("GET", "HEAD")), "/" + (piece * size)[:size]))


def expectations(draw: Draw) -> Draft:
    """Return a request that expects 100-continue, or something else."""
    value = draw.one(
        (b"100-continue", b"100-Continue", b"100-continue, x", b"", b"200-ok", b"\xff")
    )
    if draw.chance(0.5):
        body = draw.one((b"{}", b""))
        return Draft(draw.post(body, b"Expect: " + value))
    return Draft(draw.request("POST", "", b"Content-Length: 2", b"Expect: " + value))


def http_0_9(draw: Draw) -> Draft:
    """Return a request of HTTP/0.9."""
    return Draft(
        draw.one((b"GET /", b"GET", b"POST /process", b"get /")) + draw.one((b"\r\n", b"\n"))
    )


def http_2(draw: Draw) -> Draft:
    """Return the beginning of HTTP/2, whose frames may be broken."""
    settings = bytes.fromhex("000000040000000000")
    # GET / with the authority localhost (RFC 7541, literals without Huffman).
    block = bytes.fromhex("82868441") + b"\x09localhost"
    headers = len(block).to_bytes(3, "big") + bytes.fromhex("010500000001") + block
    frames = draw.one((settings, settings + headers, settings + draw.junk(40), draw.junk(20), b""))
    return Draft(PREFACE + (draw.mutate(frames) if draw.chance(0.3) else frames), end=HALF_CLOSES)


def tls(draw: Draw) -> Draft:
    """Return the beginning of TLS."""
    return Draft(draw.mutate(HELLO) if draw.chance(0.5) else HELLO, end=HALF_CLOSES)


def operation_paths(draw: Draw) -> Draft:
    """Return a request for the operations of a service, whose path is spelled in some way."""
    name = draw.one(OPERATIONS)
    coded = "".join(f"%{ord(char):02x}" if draw.chance(0.3) else char for char in name)
    target = draw.one(STARTS) + draw.one((name, name.upper(), coded)) + draw.one(ENDS)
    fields = [field for field in draw.some(FIELDS, 2) if not field.startswith(b"Expect")]
    return Draft(draw.request(draw.one(("GET", "GET", "HEAD", "PUT", "DELETE")), target, *fields))


def garbage(draw: Draw) -> Draft:
    """Return any bytes."""
    return Draft(draw.junk(draw.one((4, 40, 400, 30_000))), end=HALF_CLOSES)


def stalled(draw: Draw) -> Draft:
    """Return a request that stops in its head or its body.

    The client sends nothing more until the load balancer closes the connection.
    """
    part = draw.request()[:-2]
    body = draw.post(b"{}")[:-1]
    large = draw.post(b"[{}" + b" " * 20_000 + b"]")[:-5000]
    return Draft(draw.one((part, body, large, b"G", b"\r\n")), end=STALLS)


KINDS: Mapping[str, Make] = {
    make.__name__: make
    for make in (
        request_lines, odd_methods, targets, other_forms, conflicting_lengths, chunks, trailers,
        header_fields, known_fields, long_heads, long_targets, expectations, http_0_9, http_2, tls,
        operation_paths, garbage,
    )
}  # fmt: skip

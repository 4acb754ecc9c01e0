"""What is sent to a foreign application: requests, and what is known about their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, cast

from flask import Flask

from tests.foreign.http_client import HANG_UP, Step

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Adds telemetry to a Flask application, or leaves it bare; returns the same application.
Instrument = Callable[[Flask], Flask]

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """One connection to the application: the bytes that are sent, and what is known in advance.

    - `name` is unique in the application. It is also the request id, if the client sends one.
    - `methods` are those of the requests on the connection, in turn.
    - `status` is that of each answer: without it, a mistake in the corpus compares error pages.
    - `random` names what differs by nature between two runs: a pattern, whose group is the value.
      The value is not compared, and later cases send it where they have `{{name}}`.
    - `steps` are what the client does after it has sent `data`.
    - `complete` tells whether the server sends the whole answer.
    - `breaks` tells how the application breaks the answer off.
    - `nested` are the statuses of requests that the view makes through the test client.
    - `counted` are the statuses that telemetry counts, if they are not those of the answers. It is
      empty where the server answers before it calls the application.
    - `trusts_script_name`: gunicorn takes SCRIPT_NAME from a header of this request. Our settings
      of gunicorn refuse that.
    - `own_request_id`: the application sets `X-Request-ID` itself.
    - `logs` are messages of the application; each is one line on stdout.
    - `min_duration_ms` is the least duration that the access line may show.
    """

    name: str
    data: bytes
    methods: Sequence[str]
    status: Sequence[int]
    random: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    half_close: bool = False
    complete: bool = True
    breaks: Literal["with an error", "too early"] | None = None
    nested: Sequence[int] = ()
    counted: Sequence[int] | None = None
    trusts_script_name: bool = False
    own_request_id: bool = False
    logs: Sequence[str] = ()
    min_duration_ms: float = 0.0

    @property
    def target(self) -> str:
        """Return the first line of the first request."""
        return self.data.split(b"\r\n")[0].decode("latin-1")

    @property
    def sends_request_id(self) -> bool:
        """Return whether the client sends the case's name as the request id."""
        return f"\r\nX-Request-ID: {self.name}\r\n".encode() in self.data

    @property
    def hangs_up(self) -> bool:
        """Return whether the client goes away before the end of the answer."""
        return any(step.data == HANG_UP for step in self.steps)


@dataclass(frozen=True)
class Application:
    """A foreign application: how it is made, and what is sent to it.

    - `keeps_state`: it has state in its process, so that two workers answer differently.
    - `has_several`: several Flask applications in one process are instrumented. Each has metrics
      of its own, so one scrape does not have all requests.
    - `own_metrics` are samples of its own metrics after the corpus, on `/metrics`.
    - `own_metrics_of_one_worker` are the same, of collectors that several workers can't share.
    """

    create: Callable[[Instrument], WSGIApplication]
    cases: Sequence[Case]
    keeps_state: bool = False
    has_several: bool = False
    own_metrics: Mapping[str, float] = field(default_factory=dict)
    own_metrics_of_one_worker: Mapping[str, float] = field(default_factory=dict)


class CaseFields(TypedDict, total=False):
    """The fields of a case that a request does not determine."""

    random: Mapping[str, str]
    steps: Sequence[Step]
    half_close: bool
    complete: bool
    breaks: Literal["with an error", "too early"] | None
    nested: Sequence[int]
    counted: Sequence[int]
    trusts_script_name: bool
    own_request_id: bool
    logs: Sequence[str]
    min_duration_ms: float


class RequestFields(CaseFields, total=False):
    """The same, and what one request has beside its method, target and body."""

    status: int
    headers: Headers
    request_id: bool


def request(
    method: str,
    target: str,
    headers: Headers = (),
    body: bytes | None = None,
    *,
    close: bool = True,
) -> bytes:
    """Return the bytes of a request; `headers` replace the usual ones of the same name."""
    usual = [("Host", "localhost")]
    replaced = {name.lower() for name, _ in headers}
    if body is not None and "transfer-encoding" not in replaced:
        usual.append(("Content-Length", str(len(body))))
    if close:
        usual.append(("Connection", "close"))
    fields = [*((name, text) for name, text in usual if name.lower() not in replaced), *headers]
    head = "".join(f"{name}: {text}\r\n" for name, text in fields)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b"")


def case(
    name: str, method: str, target: str, body: bytes | None = None, **options: Unpack[RequestFields]
) -> Case:
    """Return a case with one request, by default with its name as the request id."""
    headers = [*options.get("headers", ())]
    if options.get("request_id", True):
        headers.append(("X-Request-ID", name))
    data = request(method, target, headers, body)
    of_case = {key: value for key, value in options.items() if key in CaseFields.__annotations__}
    return Case(name, data, [method], [options.get("status", 200)], **cast("CaseFields", of_case))


def get(name: str, target: str, **options: Unpack[RequestFields]) -> Case:
    """Return a case with one GET request."""
    return case(name, "GET", target, **options)


def post(name: str, target: str, body: bytes, kind: str, **options: Unpack[RequestFields]) -> Case:
    """Return a case with one POST request, whose body has the content type `kind`."""
    options["headers"] = [("Content-Type", kind), *options.get("headers", ())]
    return case(name, "POST", target, body, **options)


def form(name: str, target: str, fields: str, **options: Unpack[RequestFields]) -> Case:
    """Return a case that submits a form."""
    return post(name, target, fields.encode(), "application/x-www-form-urlencoded", **options)


def post_json(name: str, target: str, body: str, **options: Unpack[RequestFields]) -> Case:
    """Return a case that posts JSON."""
    return post(name, target, body.encode(), "application/json", **options)


def upload(
    name: str,
    target: str,
    fields: Mapping[str, bytes | tuple[str, bytes]],
    **options: Unpack[RequestFields],
) -> Case:
    """Return a case that posts a multipart form; a pair is a file with its name."""
    body = b""
    for field_name, value in fields.items():
        file = f'; filename="{value[0]}"' if isinstance(value, tuple) else ""
        content = value[1] if isinstance(value, tuple) else value
        head = f'--border\r\nContent-Disposition: form-data; name="{field_name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return post(
        name, target, body + b"--border--\r\n", "multipart/form-data; boundary=border", **options
    )


def chunked(*chunks: bytes) -> bytes:
    """Return a body in chunks, with the last one."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))

"""Read the responses on a connection, whatever was sent there. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
FIELD = re.compile(
    rb"^(content-length|transfer-encoding|x-request-id):[ \t]*(.*?)\r?$", re.M | re.I
)
# What only the operations of a service answer.
OPERATIONS = re.compile(rb'^# HELP |"status": ?"(alive|ready)"|^{"faults":', re.M)


@dataclass(frozen=True)
class Response:
    """A response: its status, its request id (empty without one), and whether all of it arrived."""

    status: int
    id: str
    complete: bool = True
    of_operations: bool = False


def parse_responses(
    data: bytes, methods: Sequence[str], ended: bool
) -> tuple[list[Response], bytes]:
    """Return the responses in what a connection received, and the rest, which is no response.

    `methods` are those of the requests, as far as they are known. A response of which only
    the head arrived counts as one to HEAD if its method is not known, once the connection `ended`.
    """
    responses: list[Response] = []
    while match := STATUS_LINE.match(data):
        head, separator, rest = data.partition(HEAD_END)
        if not separator:
            break
        status = int(match[1])
        if 100 <= status < 200 and status != 101:
            data = rest
            continue
        fields = {name.lower(): value for name, value in FIELD.findall(head)}
        method = methods[len(responses)] if len(responses) < len(methods) else ""
        # HAProxy gives a body even to HEAD if it has not understood the request.
        is_head = method == "HEAD" or (not method and (ended or rest))
        is_empty = is_head and (not rest or STATUS_LINE.match(rest))
        if is_empty or status in (101, 204, 304):
            length: int | None = 0
        else:
            length = _body_length(fields, rest, ended)
        complete = length is not None
        if not complete and not ended:
            break
        body = rest[:length] if complete else rest
        id_ = fields.get(b"x-request-id", b"").decode("latin-1")
        is_operation = 200 <= status < 300 and OPERATIONS.search(body) is not None
        responses.append(Response(status, id_, complete, is_operation))
        data = rest[length:] if complete else b""
    return responses, data


def _body_length(fields: dict[bytes, bytes], rest: bytes, ended: bool) -> int | None:
    """Return the length of the body with its framing; None if it is not complete."""
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        return _chunked_length(rest)
    length = fields.get(b"content-length")
    if length is None:
        return len(rest) if ended else None
    return int(length) if len(rest) >= int(length) else None


def _chunked_length(data: bytes) -> int | None:
    at = 0
    while (line_end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line_end].split(b";")[0], 16)
        at = line_end + 2 + size + 2
        if size == 0:
            return at if len(data) >= at else None
    return None

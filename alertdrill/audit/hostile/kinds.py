"""The kinds of inputs, and the share of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random

from . import raw_kinds
from .draw import METHODS, Draft, Draw, Make
from .inputs import HALF_CLOSES, LEAVES, Input, Operation, Values, wrap

# The media types with which clients send something else than JSON.
MEDIA_TYPES = (
    *["application/json"] * 8,
    "application/json; charset=utf-16",
    "application/vnd.rows+json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json; charset=\xff",
    "",
)
QUERIES = ("", "", "", "?", "?a=1", "?a[]=%00&b=%ff&=", "?" + "a=1&" * 200, "?%", "?a=é", "?../..")
# More than 8 KiB, so that the load balancer passes the body on while it arrives.
LARGE_BODY = 9000


def _json(draw: Draw, wrong: float, schema: object) -> bytes:
    value = Values(draw.random, wrong).of(schema)
    return json.dumps(value, ensure_ascii=draw.chance(0.5)).encode("utf-8", "surrogatepass")


def _operation(draw: Draw) -> Operation:
    weights = [1 if item.schema is None else 8 for item in draw.operations]
    return draw.random.choices(draw.operations, weights)[0]


def described(draw: Draw) -> Draft:
    """Return a request that the OpenAPI document allows."""
    operation = _operation(draw)
    if operation.schema is None:
        return Draft(draw.request(operation.method, operation.path), (operation.method,))
    body = _json(draw, 0, operation.schema)
    return Draft(draw.post(body, target=operation.path), (operation.method,))


def deviating(draw: Draw) -> Draft:
    """Return a well-formed request that the OpenAPI document does not allow."""
    operation = _operation(draw)
    method = operation.method if draw.chance(0.8) else draw.one(METHODS)
    target = operation.path + draw.one(QUERIES)
    body = _json(draw, draw.one((0, 0.1, 0.3, 1)), operation.schema or {})
    if draw.chance(0.3):
        body = draw.mutate(body)
    if draw.chance(0.02):
        body = draw.one((b"[" * 5000, b'{"a":' * 3000, b"[{}" + b",{}" * 4000 + b"]", b"1" * 5000))
    fields = [
        f"Content-Type: {draw.one(MEDIA_TYPES)}".encode("latin-1"),
        b"Content-Length: %d" % len(body),
        *draw.some(raw_kinds.FIELDS, 2),
    ]
    return Draft(wrap(draw.head(method, target, *fields), body), (method,))


def large_bodies(draw: Draw) -> Draft:
    """Return a request with a body that the load balancer does not wait for."""
    body = _json(draw, 0, {"type": "array", "minItems": 1, "items": {"type": "object"}})
    body = body.rstrip(b"]") + b" " * draw.random.randint(LARGE_BODY, 12 * LARGE_BODY) + b"]"
    return Draft(draw.post(body), ("POST",))


def pipelined(draw: Draw) -> Draft:
    """Return several requests at once."""
    drafts = [draw.one((described, deviating))(draw) for _ in range(draw.random.randint(2, 6))]
    methods = [method for draft in drafts for method in draft.methods]
    return Draft(b"".join(draft.data for draft in drafts), methods)


def _cut(draw: Draw) -> bytes:
    data = draw.one((described, deviating, pipelined))(draw).data
    return data[: draw.random.randint(1, len(data))]


def half_closed(draw: Draw) -> Draft:
    """Return a request that ends early, perhaps at its end."""
    return Draft(_cut(draw), end=HALF_CLOSES)


def left(draw: Draw) -> Draft:
    """Return a request whose client does not wait for the response."""
    return Draft(_cut(draw), end=LEAVES)


def mutated(draw: Draw) -> Draft:
    """Return a request of another kind with some bytes changed."""
    makes = [described, deviating, pipelined] if draw.chance(0.5) else [*raw_kinds.KINDS.values()]
    return Draft(draw.mutate(draw.one(makes)(draw).data))


# Inputs of a million. Those of other protocols hardly differ, a stalled client takes up to 15 s,
# and one that leaves takes a request of the stack for nothing.
WEIGHTS: Mapping[Make, int] = {
    **dict.fromkeys(raw_kinds.KINDS.values(), 25_000),
    raw_kinds.http_0_9: 3000,
    raw_kinds.http_2: 5000,
    raw_kinds.tls: 3000,
    described: 100_000,
    deviating: 210_000,
    large_bodies: 3000,
    pipelined: 35_000,
    half_closed: 40_000,
    left: 10_000,
    mutated: 240_800,
    raw_kinds.stalled: 200,
}


class Generator:
    """Makes the inputs of a seed; their request ids begin with `prefix`."""

    def __init__(self, seed: int, prefix: str, operations: Sequence[Operation]) -> None:
        self._seed = seed
        self._prefix = prefix
        self._operations = operations

    def make(self, number: int) -> Input:
        """Return the input of a number."""
        random = Random(f"{self._seed} {number}")  # noqa: S311 - it must repeat
        [make] = random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        draft = make(Draw(random, f"{self._prefix}-{number:06}", self._operations))
        kind = make.__name__.replace("_", " ")
        return Input(number, kind, draft.data, tuple(draft.methods), draft.end)

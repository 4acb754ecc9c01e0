"""The inputs: each is a function of the seed and its number, so that a run can be repeated."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ..client import AuditError

# How a client ends its part of the connection: it waits for the answer, sends no more (half-close),
# goes away without reading, or stops and waits until the load balancer gives up.
WAITS, HALF_CLOSES, LEAVES, STALLS = "waits", "half-closes", "leaves", "stalls"


@dataclass(frozen=True)
class Input:
    """What a client sends on a connection of its own.

    `methods` are those of its requests, if it certainly is a sequence of complete requests: then
    each of them must get a response. Otherwise the client half-closes after a short wait.
    """

    number: int
    kind: str
    data: bytes
    methods: Sequence[str] = ()
    end: str = WAITS

    def to_json(self) -> str:
        """Return the input as a line of JSON, its bytes in base64."""
        return json.dumps(
            {
                "number": self.number,
                "kind": self.kind,
                "end": self.end,
                "methods": list(self.methods),
                "data": base64.b64encode(self.data).decode(),
            }
        )


def read_inputs(file: Path) -> Sequence[Input]:
    """Return the inputs of a file that a run wrote; raise `AuditError` if it is no such file."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        inputs = [
            Input(
                number=int(line["number"]),
                kind=str(line["kind"]),
                data=base64.b64decode(line["data"]),
                methods=tuple(line["methods"]),
                end=str(line["end"]),
            )
            for line in lines
        ]
    except OSError as error:
        raise AuditError(f"cannot read {file} ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(
            f"{file} has no inputs of a hostile audit: use its inputs.jsonl"
        ) from error
    if not inputs:
        raise AuditError(f"{file} has no inputs: the run that wrote it found nothing to repeat")
    return inputs


@dataclass(frozen=True)
class Operation:
    """A route that an OpenAPI document describes; `schema` is that of its JSON body, if any."""

    method: str
    path: str
    schema: Any = None


def operations(document: dict[str, Any]) -> Sequence[Operation]:
    """Return the operations of an OpenAPI 3.1 document, with the references in schemas resolved."""
    return [
        Operation(method.upper(), path, _body_schema(document, item))
        for path, methods in document.get("paths", {}).items()
        for method, item in methods.items()
        if method in ("get", "put", "post", "delete", "patch")
    ]


def _body_schema(document: dict[str, Any], item: dict[str, Any]) -> Any:
    content = item.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return None if schema is None else _resolve(document, schema)


def _resolve(document: dict[str, Any], schema: Any) -> Any:
    """Return a schema without references; one that refers to itself accepts anything."""

    def resolve(node: Any, parents: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [resolve(item, parents) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if reference is None:
            return {name: resolve(item, parents) for name, item in node.items()}
        if reference in parents:
            return {}
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]
        return resolve(target, (*parents, reference))

    return resolve(schema, ())


# What programs mistake for something else.
NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**64), 10**400, 1e308, -1e308, 5e-324, 0.1]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
TEXTS = ["", "a", "\0", "\ud800", "é", "\u202e", "\U0001f600", "a" * 300, "__proto__", "NaN", '"\\']
MAX_NODES = 40


class Values:
    """Generates JSON values: of a schema, wrong ones with probability `wrong`, or any.

    hypothesis-jsonschema would do this too; it fails with hypothesis 6.170, and takes milliseconds.
    """

    def __init__(self, random: Random, wrong: float) -> None:
        self._random = random
        self._wrong = wrong
        self._nodes = 0

    def of(self, schema: Any) -> Any:
        """Return a value of a schema: the part of JSON Schema that our documents use."""
        if schema in (True, {}) or self._random.random() < self._wrong:
            return self.any()
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.of(self._random.choice(options))
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "array":
            low = schema.get("minItems", 0)
            count = max(low, self._count(schema.get("maxItems", 20)))
            return [self.of(schema.get("items", {})) for _ in range(count)]
        if kind == "object":
            return self._object(schema)
        return self.scalar(kind)

    def _object(self, schema: Any) -> dict[str, Any]:
        required = schema.get("required", ())
        value = {
            name: self.of(inner)
            for name, inner in schema.get("properties", {}).items()
            if name in required or self._random.random() < 0.5
        }
        names = (f"{self.scalar('string')}{number}" for number in range(self._count(8)))
        return value | {name: self.any() for name in names}

    def _count(self, most: int) -> int:
        """Return a count, mostly a small one."""
        return min(most, int(self._random.expovariate(0.4)))

    def any(self) -> Any:
        """Return any JSON value; its size is bounded."""
        self._nodes += 1
        kinds = ("number", "string", "boolean", "null", "array", "object")
        weights = (6, 3, 1, 2, 1, 1) if self._nodes < MAX_NODES else (1, 1, 1, 1, 0, 0)
        [kind] = self._random.choices(kinds, weights)
        if kind == "array":
            return [self.any() for _ in range(self._count(6))]
        if kind == "object":
            return {f"{self.scalar('string')}": self.any() for _ in range(self._count(6))}
        return self.scalar(kind)

    def scalar(self, kind: str | None) -> Any:
        """Return a value that is no array and no object."""
        choose = self._random.choice
        match kind:
            case "string":
                return choose([*TEXTS, "mass", "bill", f"k{self._random.randrange(1000)}"])
            case "number":
                own = [self._random.gauss(0, 1000), self._random.randrange(-999, 999)]
                odd = (
                    [choose(NOT_FINITE)] if self._wrong else []
                )  # no JSON, though Python writes it
                return choose([*NUMBERS, *own, *own, *own, *odd])
            case "integer":
                return self._random.randrange(-999, 999)
            case "boolean":
                return choose([True, False])
            case _:
                return None


def wrap(head: Sequence[bytes], body: bytes = b"") -> bytes:
    """Return a request: its request line and header fields, and its body."""
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def paths_of(items: Sequence[Operation]) -> Iterator[str]:
    """Yield the paths, those with a body eight times: without one, few inputs differ."""
    for item in items:
        yield from [item.path] * (8 if item.schema is not None else 1)

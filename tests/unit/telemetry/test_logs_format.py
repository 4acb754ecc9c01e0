"""The format of log lines; test_logs.py tests how they are written."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertdrill_telemetry import TelemetrySettings
from alertdrill_telemetry.logs import CONTRACT_FIELDS, JsonFormatter

SETTINGS = TelemetrySettings("web", "web-1", "1.2.3")


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Name(Enum):
    LEVEL = "level"


def cycle() -> dict[str, Any]:
    cycle: dict[str, Any] = {}
    cycle["itself"] = cycle
    return cycle


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


# Surrogates too: a file name on Linux may hold them, so that they get into logs.
WORDS = st.text(st.characters(), max_size=30)
# Built when they are logged, because Hypothesis shows its examples and half of these can't be.
ODD: dict[str, Callable[[], object]] = {
    "<cycle>": cycle,
    "<deep>": deep,
    "<object>": object,
    "<unspeakable>": Unspeakable,
    "<65 bits>": lambda: 2**64,
    "<5001 digits>": lambda: 10**5000,
    "<bytes>": lambda: b"\xff\n",
    "<enum>": lambda: Name.LEVEL,
}
KEY = {"<enum>": Name.LEVEL}
ODD_NAMES = st.sampled_from(sorted(ODD))
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(), st.floats(), st.binary(), st.none(), ODD_NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
KEYS = st.one_of(st.sampled_from(CONTRACT_FIELDS), WORDS, st.integers(), st.just("<enum>"))


def built(value: Any) -> Any:
    """Return the value with the odd ones, given by name, put in."""
    if isinstance(value, list):
        return [built(item) for item in value]
    if isinstance(value, dict):
        return {KEY.get(key, key): built(item) for key, item in value.items()}
    return ODD[value]() if isinstance(value, str) and value in ODD else value


def formatted(message: object, *arguments: object, **more: Any) -> str:
    """Return the line of a record that was logged with these extras and this exception."""
    extras, error = more.get("extras", {}), more.get("error")
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("a.logger", logging.INFO, "f.py", 1, message, arguments, info)
    record.__dict__ |= {key: extras[key] for key in extras if key not in record.__dict__}
    return JsonFormatter(SETTINGS).format(record)


def parsed(line: str) -> dict[str, Any]:
    """Return the one object of the one line, however its reader splits lines."""
    line.encode()
    assert line.splitlines() == [line]
    assert line.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in line)
    fields = json.loads(line, object_pairs_hook=unique)
    assert isinstance(fields, dict)
    return fields


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def check_contract(fields: dict[str, Any]) -> None:
    moment = datetime.fromisoformat(fields["timestamp"])
    assert fields["timestamp"] == moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    assert abs(moment.timestamp() - time.time()) < 60
    expected: dict[str, str | None] = {
        "level": "INFO",
        "logger": "a.logger",
        "service": "web",
        "instance": "web-1",
    }
    expected |= {"version": "1.2.3", "trace_id": None, "span_id": None, "request_id": None}
    assert {name: fields[name] for name in expected} == expected
    assert isinstance(fields["message"], str)
    assert "exception" not in fields


@given(message=WORDS | VALUES, extras=st.dictionaries(KEYS, VALUES, max_size=4))
@example(message='one\n{"level": "CRITICAL"}\r\n\x1b[31m"\x85\u2028\u2029\x00', extras={})
@example(message="\ud800", extras={"\udfff": "\ud800", "level": "\ud800"})
@example(message="m", extras={"<enum>": "forged"})
@example(message="m", extras={"cycle": "<cycle>", "deep": "<deep>", "big": "<5001 digits>"})
@example(message="<unspeakable>", extras={"a": ["<unspeakable>"], "b": "<65 bits>"})
def test_any_record_is_one_json_line(message: object, extras: dict[Any, Any]) -> None:
    check_contract(parsed(formatted(built(message), extras=built(extras))))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_message_round_trips(message: str) -> None:
    fields = parsed(formatted("%s", message, extras={"extra": message}))
    assert fields["message"] == fields["extra"] == message


@pytest.mark.parametrize("name", [name for name in CONTRACT_FIELDS if name != "message"])
def test_extra_cannot_forge_a_field(name: str) -> None:
    fields = parsed(formatted("m", extras={name: "forged"}))
    check_contract(fields)
    assert fields[f"extra_{name}"] == "forged"


@pytest.mark.parametrize("arguments", [(1,), ("a", "b"), (Unspeakable(), 10**5000)])
def test_bad_arguments_keep_the_line(arguments: tuple[object, ...]) -> None:
    fields = parsed(formatted("%d of %s and %s", *arguments))
    check_contract(fields)
    assert "%d of %s and %s" in fields["message"]


@pytest.mark.parametrize("error", [ValueError("one\ntwo \ud800"), UnspeakableError(), OSError()])
def test_exception_has_its_stack(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        raise error
    exception = parsed(formatted("m", error=raised.value))["exception"]
    assert set(exception) == {"type", "message", "stack"}
    assert exception["type"].endswith(type(error).__name__)
    assert "test_exception_has_its_stack" in exception["stack"]


@pytest.mark.parametrize("number", [2**63, -(2**64), 10**400])
def test_large_integer_stays_a_number(number: int) -> None:
    fields = parsed(formatted("m", extras={"count": number, "inside": {"deep": [number]}}))
    assert fields["count"] == number
    assert fields["inside"] == {"deep": [number]}


def test_stack_info_is_kept() -> None:
    record = logging.LogRecord("a.logger", logging.INFO, "f.py", 1, "m", (), None)
    record.stack_info = "Stack (most recent call last):\n  here"
    fields = parsed(JsonFormatter(SETTINGS).format(record))
    assert fields["stack_info"] == "Stack (most recent call last):\n  here"

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from apps.telemetry import TelemetrySettings, logs
from apps.telemetry.logs import CONTRACT, ContractFormatter, LineHandler

Lines = Callable[[], list[dict[str, Any]]]
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
    made: dict[str, Any] = {}
    made["itself"] = made
    return made


def deep() -> list[Any]:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


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
KEYS = st.one_of(st.sampled_from(CONTRACT), WORDS, st.integers(), st.just("<enum>"))


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
    return ContractFormatter(SETTINGS).format(record)


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
def test_anything_is_one_honest_line(message: object, extras: dict[Any, Any]) -> None:
    check_contract(parsed(formatted(built(message), extras=built(extras))))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_message_comes_back_as_logged(message: str) -> None:
    fields = parsed(formatted("%s", message, extras={"extra": message}))
    assert fields["message"] == fields["extra"] == message


@pytest.mark.parametrize("name", [name for name in CONTRACT if name != "message"])
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


def test_line_inside_request_has_ids(app: Flask, client: FlaskClient, lines: Lines) -> None:
    def speak() -> str:
        logging.getLogger("mine").warning("here")
        return ""

    app.add_url_rule("/speak", "speak", speak)
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client.get("/speak", headers={"traceparent": parent, "X-Request-ID": "mine-1"})
    mine, access = lines()
    assert mine["trace_id"] == access["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert mine["span_id"] == access["span_id"]
    assert mine["request_id"] == access["request_id"] == "mine-1"


@pytest.mark.parametrize(
    ("asked", "route", "status"),
    [
        ("GET /items/7", "/items/<int:number>", 200),
        ("GET /no%0Awhere", None, 404),
        ("DELETE /items/7", None, 405),
    ],
)
def test_request_gives_one_access_line(
    client: FlaskClient, lines: Lines, asked: str, route: str | None, status: int
) -> None:
    method, path = asked.split()
    client.open(path, method=method)
    (line,) = lines()
    assert (line["logger"], line["level"]) == ("access", "INFO")
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["path"] == path.replace("%0A", "\n")
    assert line["client"] == "127.0.0.1"
    assert 0 <= line["duration_ms"] < 60_000


def test_failed_request_logs_its_stack(client: FlaskClient, lines: Lines) -> None:
    client.get("/fail")
    error, access = lines()
    assert error["exception"]["type"] == "builtins.ZeroDivisionError"
    assert error["request_id"] == access["request_id"]
    assert (access["status"], access["level"]) == (500, "ERROR")


def test_operations_give_no_access_line(operator: FlaskClient, lines: Lines) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/faults", "/faults/errors", "/faults/none"):
        operator.get(path)
    assert lines() == []


def test_lines_are_counted_by_level(app: Flask, lines: Lines) -> None:
    for level in ("info", "error", "error"):
        getattr(logging.getLogger("mine"), level)("m")
    assert len(lines()) == 3
    value = app.extensions["telemetry"].metrics.registry.get_sample_value
    assert value("log_records_total", {"level": "INFO"}) == 1
    assert value("log_records_total", {"level": "ERROR"}) == 2


def test_level_is_the_settings(lines: Lines) -> None:
    logs.configure(TelemetrySettings("web", "web-1", log_level="ERROR"))
    logging.getLogger("mine").warning("unheard")
    assert lines() == []


def test_configuring_twice_logs_once(lines: Lines) -> None:
    for _ in range(2):
        logs.configure(SETTINGS)
    logging.getLogger("mine").info("m")
    assert len(lines()) == 1


def test_uncaught_thread_exception_is_logged(lines: Lines) -> None:
    logs.configure(SETTINGS)
    thread = threading.Thread(target=lambda: 1 / 0, name="worker-7")
    thread.start()
    thread.join()
    (line,) = lines()
    assert line["message"] == "Uncaught exception in thread worker-7"
    assert line["exception"]["type"] == "builtins.ZeroDivisionError"


def test_uncaught_exception_is_logged(lines: Lines) -> None:
    logs.configure(SETTINGS)
    error = ValueError("one\ntwo")
    sys.excepthook(ValueError, error, None)
    (line,) = lines()
    assert (line["level"], line["exception"]["message"]) == ("CRITICAL", "one\ntwo")


def test_warning_is_a_line(lines: Lines) -> None:
    logs.configure(SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("old", DeprecationWarning, "f.py", 1)
    (line,) = lines()
    assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")


def test_closed_reader_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    reader, writer = os.pipe()
    os.close(reader)
    counted: list[str] = []
    handler = LineHandler(counted.append, writer)
    handler.handle(logging.LogRecord("a", logging.INFO, "f.py", 1, "m", (), None))
    os.close(writer)
    assert counted == []


def write_lines(descriptor: int, worker: int) -> None:
    """Be a worker: log 40 lines of 20 kB, five times what a pipe keeps whole by itself."""
    logs.configure(SETTINGS)
    (handler,) = [h for h in logging.getLogger().handlers if isinstance(h, LineHandler)]
    handler._descriptor = descriptor
    for _ in range(40):
        logging.getLogger("worker").info(str(worker) * 20_000)


def test_lines_of_workers_never_mix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    reader, writer = os.pipe()
    workers = [fork_worker(reader, writer, number) for number in range(3)]
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        written = stream.read().splitlines()
    assert [os.waitpid(worker, 0)[1] for worker in workers] == [0, 0, 0]
    messages = [json.loads(line)["message"] for line in written]
    assert sorted(messages) == [str(number) * 20_000 for number in range(3) for _ in range(40)]


def fork_worker(reader: int, writer: int, number: int) -> int:
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            write_lines(writer, number)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    return child

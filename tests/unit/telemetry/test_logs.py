from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry import TelemetrySettings, logs
from alertdrill_telemetry.logs import LineHandler

Lines = Callable[[], list[dict[str, Any]]]
SETTINGS = TelemetrySettings("web", "web-1", "1.2.3")


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
    ("request_line", "route", "status"),
    [
        ("GET /items/7", "/items/<int:number>", 200),
        ("GET /no%0Awhere", None, 404),
        ("GET /healthzz", None, 404),
        ("DELETE /items/7", None, 405),
    ],
)
def test_request_gives_one_access_line(
    client: FlaskClient, lines: Lines, request_line: str, route: str | None, status: int
) -> None:
    method, path = request_line.split()
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


def test_ops_endpoints_have_no_access_line(operator: FlaskClient, lines: Lines) -> None:
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


@pytest.mark.parametrize("error", [ValueError("e"), KeyboardInterrupt()])
def test_earlier_hook_gets_an_uncaught_exception(
    monkeypatch: pytest.MonkeyPatch, lines: Lines, error: BaseException
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: calls.append(args))
    for _ in range(2):
        logs.configure(SETTINGS)
    sys.excepthook(type(error), error, None)
    assert calls == [(type(error), error, None)]
    assert len(lines()) == isinstance(error, ValueError)


@pytest.mark.parametrize("error", [ValueError("e"), SystemExit(3)])
def test_earlier_hook_gets_an_uncaught_exception_of_a_thread(
    monkeypatch: pytest.MonkeyPatch, lines: Lines, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    calls: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: calls.append(args.exc_value))
    for _ in range(2):
        logs.configure(SETTINGS)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert calls == [error]
    assert len(lines()) == isinstance(error, ValueError)


@pytest.mark.parametrize("code", ["1 / 0", "threading.Thread(target=lambda: 1 / 0).start()"])
def test_uncaught_exception_has_no_second_stack(code: str) -> None:
    start = "import threading; from alertdrill_telemetry import TelemetrySettings, logs; "
    configure = "logs.configure(TelemetrySettings('web', 'web-1')); "
    ended = subprocess.run(
        [sys.executable, "-c", start + configure + code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert json.loads(ended.stdout)["exception"]["type"] == "builtins.ZeroDivisionError"


def test_warning_is_a_line(lines: Lines) -> None:
    logs.configure(SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("old", DeprecationWarning, "f.py", 1)
    (line,) = lines()
    assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")


def write_lines(descriptor: int, worker: int) -> None:
    """Log 40 lines of 20 kB as a worker: five times the size that a pipe writes atomically."""
    logs.configure(SETTINGS)
    (handler,) = [h for h in logging.getLogger().handlers if isinstance(h, LineHandler)]
    handler.writer._descriptor = descriptor
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


def test_thread_that_exits_is_no_error(lines: Lines) -> None:
    logs.configure(SETTINGS)
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()
    assert lines() == []


def test_interrupt_is_left_to_python(lines: Lines) -> None:
    logs.configure(SETTINGS)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert lines() == []


def test_only_access_lines_of_flask_run_are_left_out(lines: Lines) -> None:
    class Own(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            own.append(record.getMessage())

    own: list[str] = []
    logs.configure(SETTINGS)
    log, handler = logging.getLogger("werkzeug"), Own()
    log.addHandler(handler)
    log.setLevel("INFO")
    texts = [
        "127.0.0.1 - - [29/Nov/2026 12:00:00] GET / 200",
        " * Running on http://127.0.0.1:5000",
    ]
    for text in texts:
        log.info(text)
    log.removeHandler(handler)
    assert own == texts
    assert [line["message"] for line in lines()] == texts[1:]


@pytest.mark.parametrize("attributes", [{"created": 1e20}, {"exc_info": "boom"}])
def test_record_that_has_no_line_does_not_raise(attributes: dict[str, Any], lines: Lines) -> None:
    logs.configure(SETTINGS).handle(logging.makeLogRecord({"name": "mine", **attributes}))
    (line,) = lines()
    assert line["level"] == "ERROR"
    assert line["message"].startswith("A record of 'mine' has no line: ")


def test_lone_surrogate_is_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(SETTINGS).handle(logging.makeLogRecord({"msg": "\ud800"}))
    assert orjson.loads(capfd.readouterr().out)["message"] == "\\ud800"

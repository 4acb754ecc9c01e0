import json
import logging
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from gunicorn.config import Config

from alertdrill import VERSION
from alertdrill.control.logs import LineLogger, configure


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """Restore pytest's log handlers."""
    log = logging.getLogger()
    handlers, level = log.handlers[:], log.level
    yield
    log.handlers[:] = handlers
    log.setLevel(level)
    logging.captureWarnings(False)


def messages(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_records_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure("control-1", "WARNING")
    logging.getLogger("a").info("no")
    logging.getLogger("a").warning("web-%d", 1)
    [line] = messages(capsys)
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "a", "web-1")
    assert (line["service"], line["instance"]) == ("control", "control-1")


def test_line_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    configure("control-1", "INFO")
    logging.getLogger("here").info("Done.")
    [line] = messages(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "INFO",
        "logger": "here",
        "message": "Done.",
        "service": "control",
        "instance": "control-1",
        "version": VERSION,
        "trace_id": None,
        "span_id": None,
        "request_id": None,
    }


def test_message_cannot_add_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("control-1", "INFO")
    logging.getLogger("here").info('a\n{"level": "ERROR"}\r\u2028')
    assert len(messages(capsys)) == 1


def test_exception_is_one_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("control-1", "INFO")
    try:
        os.environ["UNKNOWN_SETS_THIS"]
    except KeyError:
        logging.getLogger("a").exception("It failed")
    [line] = messages(capsys)
    exception = line["exception"]
    assert (exception["type"], exception["message"]) == ("builtins.KeyError", "'UNKNOWN_SETS_THIS'")
    assert exception["stack"].startswith("Traceback")
    assert "test_logs.py" in line["exception"]["stack"]


def test_gunicorn_logs_in_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    configure("control-1", "INFO")
    LineLogger(Config()).info("Listening at: %s", "here")
    [line] = messages(capsys)
    assert (line["logger"], line["message"]) == ("gunicorn.error", "Listening at: here")

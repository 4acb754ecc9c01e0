import json
import re

from alertdrill.log_line import LogOrigin, format_line

SPEAKER = LogOrigin("control", "control-1", "0.1")


def test_line_has_every_field() -> None:
    found = json.loads(format_line(SPEAKER, "INFO", "Done.", "here"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("timestamp"))
    assert found == {
        "level": "INFO",
        "logger": "here",
        "message": "Done.",
        "service": "control",
        "instance": "control-1",
        "version": "0.1",
        "trace_id": None,
        "span_id": None,
        "request_id": None,
    }


def test_message_forges_no_line() -> None:
    assert "\n" not in format_line(SPEAKER, "INFO", 'a\n{"level": "ERROR"}\r\u2028', "here")


def test_error_comes_with_its_stack() -> None:
    try:
        int("no")
    except ValueError as error:
        found = json.loads(format_line(SPEAKER, "ERROR", "It failed", "here", error))["exception"]
    assert (found["type"], found["message"][:15]) == ("builtins.ValueError", "invalid literal")
    assert found["stack"].startswith("Traceback")

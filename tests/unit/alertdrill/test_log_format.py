import json
import re

from alertdrill.log_format import LogOrigin, format_line

ORIGIN = LogOrigin("control", "control-1", "0.1")


def test_line_has_every_field() -> None:
    fields = json.loads(format_line(ORIGIN, "INFO", "Done.", "here"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("timestamp"))
    assert fields == {
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


def test_message_cannot_add_a_line() -> None:
    assert "\n" not in format_line(ORIGIN, "INFO", 'a\n{"level": "ERROR"}\r\u2028', "here")


def test_error_has_its_stack() -> None:
    try:
        int("no")
    except ValueError as error:
        fields = json.loads(format_line(ORIGIN, "ERROR", "It failed", "here", error))["exception"]
    assert (fields["type"], fields["message"][:15]) == ("builtins.ValueError", "invalid literal")
    assert fields["stack"].startswith("Traceback")

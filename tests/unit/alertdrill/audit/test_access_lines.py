import json
from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.audit.access_lines import HOPS, AccessLine, AccessLines, parse_access_line

PUBLIC, INTERNAL, WEB, DATA_SERVICE = HOPS


def line(service: str, id_: str = "run-1", **fields_changed: Any) -> str:
    fields = {"logger": "access", "service": service, "request_id": id_, "path": "/process"}
    return json.dumps({**fields, **fields_changed})


def lb(id_: str, frontend: str = "public", retries: str = "0", **fields_changed: Any) -> str:
    return line("lb", id_, frontend=frontend, retries=retries, **fields_changed)


class Logs:
    """A runtime whose instances have these lines."""

    def __init__(self, **files: list[str]) -> None:
        self.files = {name.replace("_", "-"): lines for name, lines in files.items()}

    def logs(self, target: str, lines: int | None) -> Iterator[tuple[str, str]]:
        for name, texts in self.files.items():
            if name.rpartition("-")[0] == target:
                yield from ((name, text) for text in texts[-(lines or 0) :])


def read(logs: Logs) -> AccessLines:
    access_lines = AccessLines(logs, "run")  # type: ignore[arg-type]
    access_lines.read()
    return access_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lb("run-1"), AccessLine(PUBLIC, "run-1")),
        (lb("run-1", "internal", "+2"), AccessLine(INTERNAL, "run-1", 2)),
        (line("web"), AccessLine(WEB, "run-1")),
        (line("data-service"), AccessLine(DATA_SERVICE, "run-1")),
        (line("web", path="/"), None),
        (lb("run-1", path="/"), AccessLine(PUBLIC, "run-1")),
        (lb("run-1", "statistics"), None),
        (line("web", logger="root"), None),
        (line("responder"), None),
        ("Traceback (most recent call last):", None),
        ('{"logger":"acc', None),
        ("[1]", None),
        ("[" * 100_000, None),
    ],
)
def test_parser_ignores_lines_of_requests_that_do_not_count(
    text: str, expected: AccessLine | None
) -> None:
    assert parse_access_line(text) == expected


def test_audit_requests_are_counted_apart_from_others() -> None:
    access_lines = read(Logs(lb_1=[lb("run-1"), lb("probe", path="/")], web_2=[line("web")]))
    assert access_lines.audit_counts()[PUBLIC] == {"run-1": 1}
    assert access_lines.audit_counts()[WEB] == {"run-1": 1}
    assert access_lines.other_counts() == {PUBLIC: 1}


def test_doubled_line_counts_twice() -> None:
    assert read(Logs(web_1=[line("web"), line("web")])).audit_counts()[WEB] == {"run-1": 2}
    both = Logs(web_1=[line("web")], web_2=[line("web")])
    assert read(both).audit_counts()[WEB] == {"run-1": 2}


def test_rotated_line_still_counts() -> None:
    logs = Logs(web_1=[line("web", "run-1"), line("web", "run-2")])
    access_lines = read(logs)
    logs.files["web-1"] = [line("web", "run-2"), line("web", "run-3")]
    access_lines.read()
    assert access_lines.audit_counts()[WEB] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_recent_lines_are_added_to_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertdrill.audit.access_lines.MAX_RECENT_LINES", 2)
    logs = Logs(lb_1=[lb("run-1"), lb("run-2")])
    access_lines = read(logs)
    logs.files["lb-1"].append(lb("run-3"))
    access_lines.read_latest()
    assert access_lines.audit_counts()[PUBLIC] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_retries_are_counted_per_service() -> None:
    access_lines = read(Logs(lb_1=[lb("run-1", retries="1"), lb("run-2", "internal", "2")]))
    assert access_lines.retries()["web"] == {"run-1": 1}
    assert access_lines.retries()["data-service"] == {"run-2": 2}

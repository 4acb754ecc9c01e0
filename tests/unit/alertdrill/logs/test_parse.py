import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.parse import parse_file_line, parse_loki_line
from alertdrill.loki_client import LokiLine
from tests.unit.alertdrill.logs.lines import ACCESS, LINE, anything, contract, in_loki, text

AT = 1795429230456


def test_contract_line_is_read() -> None:
    entry = parse_file_line("web-1", text(ACCESS), 5)
    assert (entry.at, entry.message, entry.unstructured) == (AT, "POST /process", False)
    assert (entry.service, entry.instance, entry.level) == ("web", "web-1", "ERROR")
    assert entry.timestamp == ACCESS["timestamp"]


@given(contract)
def test_file_and_loki_agree(line: dict[str, Any]) -> None:
    there, here = parse_loki_line(in_loki(line)), parse_file_line("web-1", text(line), 0)
    assert there.as_dict() == here.as_dict()
    assert list(there.as_dict()) == list(here.as_dict())
    assert (there.at, there.level, there.unstructured) == (here.at, here.level, here.unstructured)


@given(contract)
def test_line_comes_out_unharmed(line: dict[str, Any]) -> None:
    said = parse_file_line("web-1", text(line), 0).as_dict()
    for name in LINE.keys() - {"service", "instance"}:
        assert said[name] == (line[name] or ("" if name == "message" else None))
    if line["logger"] == "access":
        assert (said["status"], said["duration_ms"]) == (line["status"], line["duration_ms"])


@pytest.mark.parametrize(
    "changed",
    [
        {"timestamp": "2026-11-23T10:20:30Z"},
        {"timestamp": "2026-11-31T10:20:30.000Z"},
        {"timestamp": 5},
        {"level": None},
        {"message": ["a"]},
        {"no-name": 1},
        {"": 1},
        {"a": {"b": {"c": 1}}},
        {"a": {"b-c": 1}},
    ],
)
def test_other_form_is_foreign(changed: dict[str, Any]) -> None:
    line = text({**LINE, **changed})
    entry = parse_file_line("data-service-2", line, 5)
    assert (entry.at, entry.message, entry.unstructured) == (5, line, True)
    assert (entry.service, entry.instance) == ("data-service", "data-service-2")


def test_claim_to_be_another_stays_a_claim() -> None:
    entry = parse_file_line("lb-1", text({**LINE, "service": "we b"}), 0)
    assert (entry.service, entry.instance, entry.unstructured) == ("lb", "lb-1", False)
    assert entry.fields["service_extracted"] == "we b"
    assert entry.fields["instance_extracted"] == "web-1"


@pytest.mark.parametrize("name", ["timestamp", "level", "message", "service", "instance"])
def test_lacking_field_makes_it_foreign(name: str) -> None:
    line = {key: value for key, value in LINE.items() if key != name}
    assert parse_file_line("web-1", text(line), 5).unstructured


@pytest.mark.parametrize(
    "line",
    ["", "{", "[1]", "null", "[" * 10_000, " " + json.dumps(LINE), '{"a": NaN}', "Traceback"],
)
def test_foreign_line_stays_as_it_is(line: str) -> None:
    entry = parse_file_line("lb-1", line, 5)
    assert (entry.unstructured, entry.message) == (True, line)


@given(anything)
def test_foreign_line_is_the_same_from_both(line: str) -> None:
    labels = {"service": "lb", "instance": "lb-1", "level": "UNKNOWN", "observed_timestamp": "5"}
    there, here = (
        parse_loki_line(LokiLine(5_000_007, labels, line)),
        parse_file_line("lb-1", line, 5),
    )
    assert there.as_dict() == here.as_dict()
    assert (there.at, there.unstructured) == (5, True)


@given(st.sampled_from(["TRACE", "NOTICE", "warning"]))
def test_level_of_its_own_stays(level: str) -> None:
    entry = parse_file_line("web-1", text({**LINE, "level": level}), 0)
    assert (entry.level, entry.unstructured) == (level, False)

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.clients.loki import LokiLine
from alertdrill.logs.parse import attribute_text, flatten, parse_file_line, parse_loki_line
from tests.unit.alertdrill.logs.lines import ACCESS, LINE, any_text, contract, in_loki, text

AT = 1795429230456


def test_contract_line_is_parsed() -> None:
    record = parse_file_line("web-1", text(ACCESS), 5)
    assert (record.at, record.message, record.unstructured) == (AT, "POST /process", False)
    assert (record.fields["service"], record.instance, record.level) == ("web", "web-1", "ERROR")
    assert record.timestamp == ACCESS["timestamp"]


@given(contract)
def test_record_from_a_file_equals_the_record_from_loki(line: dict[str, Any]) -> None:
    from_loki, from_file = parse_loki_line(in_loki(line)), parse_file_line("web-1", text(line), 0)
    assert from_loki.as_dict() == from_file.as_dict()
    assert list(from_loki.as_dict()) == list(from_file.as_dict())
    assert (from_loki.at, from_loki.level, from_loki.unstructured) == (
        from_file.at,
        from_file.level,
        from_file.unstructured,
    )


@given(contract)
def test_parsing_keeps_every_field(line: dict[str, Any]) -> None:
    parsed = parse_file_line("web-1", text(line), 0).as_dict()
    for name in LINE.keys() - {"service", "instance"}:
        assert parsed[name] == (line[name] or ("" if name == "message" else None))
    if line["logger"] == "access":
        assert (parsed["status"], parsed["duration_ms"]) == (line["status"], line["duration_ms"])


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
        {"a": 10**400},
    ],
)
def test_line_in_another_format_is_unstructured(changed: dict[str, Any]) -> None:
    line = text({**LINE, **changed})
    record = parse_file_line("data-service-2", line, 5)
    assert (record.at, record.message, record.unstructured) == (5, line, True)
    assert (record.fields["service"], record.instance) == ("data-service", "data-service-2")


def test_large_integer_becomes_a_floating_point_number() -> None:
    record = parse_file_line("web-1", text({**LINE, "a": 2**63 + 5, "b": 2**63 - 1}), 0)
    assert (record.fields["a"], record.fields["b"]) == (
        "9223372036854776000",
        "9223372036854775807",
    )


def test_line_cannot_override_its_service_and_instance() -> None:
    record = parse_file_line("lb-1", text({**LINE, "service": "we b"}), 0)
    assert (record.fields["service"], record.instance, record.unstructured) == ("lb", "lb-1", False)
    assert record.fields["service_extracted"] == "we b"
    assert record.fields["instance_extracted"] == "web-1"


@pytest.mark.parametrize("name", ["timestamp", "level", "message", "service", "instance"])
def test_line_without_a_required_field_is_unstructured(name: str) -> None:
    line = {key: value for key, value in LINE.items() if key != name}
    assert parse_file_line("web-1", text(line), 5).unstructured


@pytest.mark.parametrize(
    "line",
    ["", "{", "[1]", "null", "[" * 10_000, " " + text(LINE), text({**LINE, "a": math.nan}), "x"],
)
def test_unstructured_line_is_kept_unchanged(line: str) -> None:
    record = parse_file_line("lb-1", line, 5)
    assert (record.unstructured, record.message) == (True, line)


def test_line_with_a_number_out_of_range_is_unstructured() -> None:
    line = text(LINE).replace("{", '{"a": 1e999, ', 1)
    assert parse_file_line("web-1", line, 5).unstructured


@given(any_text)
def test_unstructured_record_from_a_file_equals_the_one_from_loki(line: str) -> None:
    labels = {"service": "lb", "instance": "lb-1", "level": "UNKNOWN", "observed_timestamp": "5"}
    from_loki, from_file = (
        parse_loki_line(LokiLine(5_000_007, labels, line)),
        parse_file_line("lb-1", line, 5),
    )
    assert from_loki.as_dict() == from_file.as_dict()
    assert (from_loki.at, from_loki.unstructured) == (5, True)


@given(st.sampled_from(["TRACE", "NOTICE", "warning"]))
def test_unknown_level_is_kept(level: str) -> None:
    record = parse_file_line("web-1", text({**LINE, "level": level}), 0)
    assert (record.level, record.unstructured) == (level, False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (503, "503"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (12.0, "12"),
        (0.25, "0.25"),
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-7"),
        (0.000001, "0.000001"),
        (["a<b", 1.0, None, {"b": [], "a": True}], '["a\\u003cb",1,null,{"a":true,"b":[]}]'),
    ],
)
def test_value_is_formatted_as_in_loki(value: object, text: str) -> None:
    assert attribute_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_formatted_number_keeps_its_value(value: float) -> None:
    assert math.copysign(1, float(attribute_text(value))) == math.copysign(1, value)
    assert float(attribute_text(value)) == value


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.none() | st.integers(-5, 5)))
def test_list_is_formatted_as_json(value: list[object]) -> None:
    assert json.loads(attribute_text(value)) == value


def test_nested_field_name_includes_its_parent() -> None:
    line = {"a.b": 1, "exception": {"type": "E", "c.d": None}}
    assert flatten(line) == {"a_b": "1", "exception_type": "E"}


def test_empty_field_is_dropped() -> None:
    assert flatten({"a": "", "b": None, "c": {}}) == {}

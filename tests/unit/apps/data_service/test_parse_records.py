from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.data_service.errors import InvalidRecordsError, MalformedJsonError
from apps.data_service.parse_records import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ('[{"a": 1}, {"b": "x"}]', [{"a": 1}, {"b": "x"}]),
        ('{"records": [{"a": 1}], "more": 2}', [{"a": 1}]),
        ('{"a": 1}', [{"a": 1}]),
        ("{}", [{}]),
        ("[{}]", [{}]),
        ('{"a": 1, "a": 2}', [{"a": 2}]),  # RFC 8259 leaves it open; the last one is usual
        ('{"a": 1e-999}', [{"a": 0.0}]),
        ('{"a": {"b": [1, null, true]}}', [{"a": {"b": [1, None, True]}}]),
        ('\ufeff{"a": "é"}', [{"a": "é"}]),  # RFC 8259 allows to ignore the mark
        (' \n{"a": "\\u0000"}\r\n', [{"a": "\0"}]),
        (f'{{"a": {10**308}}}', [{"a": 10**308}]),
    ],
)
def test_every_shape_gives_records(body: str, records: list[dict[str, object]]) -> None:
    assert parse(body.encode()) == records


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"a=1&b=2",
        b'{"a": 1} {"b": 2}',
        b"[{'a': 1}]",
        b'{"a": 01}',
        b'{"a": "\n"}',
        b"\xff\xfe\x00",
        b'{"a": "\xc3\x28"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 10,
    ],
)
def test_invalid_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJsonError, match=r"^The body is not JSON: "):
        parse(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("[]", "body"),
        ('{"records": []}', "records"),
        ('{"records": {}}', "records"),
        ('{"records": null}', "records"),
        ("1", "body"),
        ('"text"', "body"),
        ("null", "body"),
        ("[1]", "body[0]"),
        ("[{}, [], {}]", "body[1]"),
        ('{"records": [{}, null]}', "records[1]"),
        ('[{"a": NaN}]', "records"),
        ('[{"a": -Infinity}]', "records"),
        ('[{"a": 1e999}]', "records"),
        ('{"a": [[-1e999]]}', "records"),
        (f'[{{}}, {{"a": {10**309}}}]', "body[1].a"),
        (f'{{"a": -{10**309}}}', "record.a"),
        (f'{{"records": [{{"a b": {10**309}}}]}}', "records[0].a b"),
        (f'{{"a": {"[" * 33}{"]" * 33}}}', "record.a"),
        ('{"a": ' * 40 + "1" + "}" * 40, "record.a"),
    ],
)
def test_wrong_record_names_its_field(body: str, field: str) -> None:
    with pytest.raises(InvalidRecordsError) as refused:
        parse(body.encode())
    assert refused.value.field == field
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(opening: str, closing: str, depth: int) -> None:
    inner = opening * depth + "1" + closing * depth
    for body in (inner, f'[{{"a": {inner}}}]'):
        with pytest.raises(InvalidRecordsError):
            parse(body.encode())


def test_allowed_depth_is_kept() -> None:
    nested = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(f'{{"a": {nested}}}'.encode()) == [{"a": json.loads(nested)}]


@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789.eE-+ \\untrlsaINf').map(str.encode)
)
def test_any_body_is_records_or_refused(body: bytes) -> None:
    try:
        records = parse(body)
    except (MalformedJsonError, InvalidRecordsError):
        return
    assert records
    assert all(isinstance(record, dict) for record in records)


@pytest.mark.parametrize(
    ("items", "limit", "message"),
    [
        ([f'{{"k{number}":1}}' for number in range(1001)], 1000, "1000 different fields"),
        (["{}"] * 50_001, 50_000, "50000 records"),
        (["{}", '{"' + 101 * "n" + '":1}'], 1, "100 characters in a name"),
        (['{"a":1,"b":2,"c":3,"d":4}'] * 25_001, 25_000, "100000 values"),
    ],
    ids=["fields", "records", "name", "values"],
)
def test_too_large_table_is_refused(items: list[str], limit: int, message: str) -> None:
    assert len(parse(f"[{','.join(items[:limit])}]".encode())) == limit
    with pytest.raises(InvalidRecordsError, match=f"body has more than {message}"):
        parse(f"[{','.join(items)}]".encode())

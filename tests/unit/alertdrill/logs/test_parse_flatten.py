import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.parse import attribute_text, flatten


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (503, "503"),
        (2**63 - 1, "9223372036854775807"),
        (2**63 + 5, "9223372036854776000"),
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

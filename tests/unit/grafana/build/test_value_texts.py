from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import (
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
)

from grafana.build import colours, value_texts
from grafana.build.value_texts import mappings


def test_value_has_its_word_and_colour() -> None:
    shown, _ = mappings({1: ("up", "#56B4E9")})
    assert isinstance(shown, ValueMap)
    assert (shown.options["1"].text, shown.options["1"].color) == ("up", "#56B4E9")


def test_what_is_above_keeps_its_number() -> None:
    _, above, _ = mappings(value_texts.NONE)
    assert isinstance(above, RangeMap)
    assert (above.options.from_val, above.options.to) == (0, None)
    assert above.options.result.text is None
    assert above.options.result.color == colours.VERMILLION


def test_what_is_no_number_says_so() -> None:
    (no_data_text,) = mappings({})
    assert isinstance(no_data_text, SpecialValueMap)
    assert no_data_text.options.match == SpecialValueMatch.NULL_AND_NAN
    assert no_data_text.options.result.text == "no data"


def test_no_two_states_share_a_word() -> None:
    found = [value for name, value in vars(value_texts).items() if name.isupper()]
    assert found
    for one in found:
        assert len({text for text, _ in one.values()}) == len(one)

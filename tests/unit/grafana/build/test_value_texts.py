from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import (
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
)

from grafana.build import colours, value_texts
from grafana.build.value_texts import mappings


def test_value_has_its_text_and_colour() -> None:
    shown, _ = mappings({1: ("up", "#56B4E9")})
    assert isinstance(shown, ValueMap)
    assert (shown.options["1"].text, shown.options["1"].color) == ("up", "#56B4E9")


def test_higher_values_keep_their_number() -> None:
    _, above, _ = mappings(value_texts.NONE)
    assert isinstance(above, RangeMap)
    assert (above.options.from_val, above.options.to) == (0, None)
    assert above.options.result.text is None
    assert above.options.result.color == colours.VERMILLION


def test_nan_is_shown_as_no_data() -> None:
    (no_data_text,) = mappings({})
    assert isinstance(no_data_text, SpecialValueMap)
    assert no_data_text.options.match == SpecialValueMatch.NULL_AND_NAN
    assert no_data_text.options.result.text == "no data"


def test_no_two_states_share_a_text() -> None:
    mappings = [value for name, value in vars(value_texts).items() if name.isupper()]
    assert mappings
    for mapping in mappings:
        assert len({text for text, _ in mapping.values()}) == len(mapping)

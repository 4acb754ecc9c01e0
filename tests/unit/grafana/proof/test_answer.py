import math

import pytest

from grafana.proof.answer import Answer, Line, Series


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_cannot_be_drawn_is_empty(value: float) -> None:
    assert Answer(series=[Series({}, [(1, value)])]).empty
    assert not Answer(series=[Series({}, [(1, value), (2, 0.0)])]).empty


def test_nothing_is_empty_and_a_line_is_not() -> None:
    assert Answer().empty
    assert not Answer(lines=[Line({}, 1, "")]).empty

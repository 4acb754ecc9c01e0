import math

import pytest

from grafana.query_check.results import Line, QueryResult, Series


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_infinite_values_are_empty(value: float) -> None:
    assert QueryResult(series=[Series({}, [(1, value)])]).empty
    assert not QueryResult(series=[Series({}, [(1, value), (2, 0.0)])]).empty


def test_only_a_result_with_data_is_not_empty() -> None:
    assert QueryResult().empty
    assert not QueryResult(lines=[Line({}, 1, "")]).empty

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.errors import BadFilterError
from alerting.responder.notification_filters import COLUMNS, Filters, parse_filters

names = st.sampled_from([*COLUMNS, "since", "limit"]) | st.text()


@given(st.lists(st.tuples(names, st.text() | st.floats().map(str) | st.integers().map(str))))
def test_any_query_parses_or_is_refused(arguments: list[tuple[str, str]]) -> None:
    with suppress(BadFilterError):
        assert 1 <= parse_filters(arguments).limit <= 1000


def test_default_limit_is_one_hundred() -> None:
    assert parse_filters([]) == Filters(columns=(), since=None, limit=100)


@pytest.mark.parametrize("since", ["2025-11-23T17:00:00Z", "1763917200", "1763917200.0"])
def test_since_takes_timestamp_or_seconds(since: str) -> None:
    assert parse_filters([("since", since)]).since == datetime(2025, 11, 23, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("color", "red"),
        ("status", "pending"),
        ("alert", ""),
        ("service", "a\0b"),
        ("since", "yesterday"),
        ("since", "nan"),
        ("since", "1e300"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "1_0"),
        ("limit", "9" * 5000),
    ],
)
def test_bad_filter_is_named(name: str, value: str) -> None:
    with pytest.raises(BadFilterError) as caught:
        parse_filters([(name, value)])
    assert caught.value.name == name


def test_repeated_filter_is_refused() -> None:
    with pytest.raises(BadFilterError, match="alert occurs twice"):
        parse_filters([("alert", "A"), ("alert", "B")])

import pytest

from grafana.query_check import value_formats
from grafana.query_check.errors import QueryCheckError

TWO = ["web", "data.service"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("glob", "{web,data.service}"),
        ("regex", r"(web|data\.service)"),
        ("pipe", "web|data.service"),
        ("csv", "web,data.service"),
        ("json", '["web","data.service"]'),
        ("singlequote", "'web','data.service'"),
        ("doublequote", '"web","data.service"'),
        ("percentencode", "%7Bweb%2Cdata.service%7D"),
    ],
)
def test_formats_are_grafanas(name: str, expected: str) -> None:
    assert value_formats.format_named(name)(TWO, True) == expected


def test_unknown_format_is_rejected() -> None:
    with pytest.raises(QueryCheckError, match="unknown format"):
        value_formats.format_named("shout")


def test_prometheus_values_are_a_regex() -> None:
    assert value_formats.prometheus(TWO, True) == r"(web|data\\.service)"
    assert value_formats.prometheus(["data.service"], True) == r"data\\.service"
    assert value_formats.prometheus(["a'b\\"], False) == r"a\\'b" + "\\\\"


def test_loki_regex_has_no_parentheses() -> None:
    assert value_formats.loki(TWO, True) == r"web|data\\.service"
    assert value_formats.loki(['a"b'], False) == r"a\"b"

import pytest

from grafana.query_check.dashboard_file import QueryCheckError, Variable
from grafana.query_check.interpolation import (
    SelectedValue,
    format_values,
    interpolate,
    interpolate_builtins,
)

TWO = ["web", "data.service"]


def filled(text: str, *values: str, is_all: bool = False, all_value: str = "") -> str:
    """Return a query of Prometheus with the values of `service`."""
    variable = Variable("service", "query", "", True, True, all_value, {})
    selected = {"service": SelectedValue(variable, values, is_all)}
    return interpolate(text, selected, "prometheus")


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ('up{a=~"$service"}', ["web", "chat"], 'up{a=~"(web|chat)"}'),
        ('up{a=~"${service}"}', ["web", "chat"], 'up{a=~"(web|chat)"}'),
        ("$unknown ${it}", ["a"], "$unknown ${it}"),
        ("x$service", [], "x"),
    ],
    ids=["name", "name in braces", "unknown name", "no values"],
)
def test_query_is_filled(text: str, values: list[str], expected: str) -> None:
    assert filled(text, *values) == expected


def test_format_is_refused() -> None:
    with pytest.raises(QueryCheckError, match=r"unsupported format .*: write \$service"):
        filled("${service:pipe}", "a")


def test_all_value_is_used_verbatim() -> None:
    assert filled("$service", "a", "b", is_all=True, all_value=".+") == ".+"


def test_builtins_follow() -> None:
    builtins = {"__range": "3600s", "__range_s": "3600"}
    text = "[$__range] ${__range_s} $__ranges"
    assert interpolate_builtins(text, builtins) == "[3600s] 3600 $__ranges"


@pytest.mark.parametrize(
    ("kind", "values", "several", "expected"),
    [
        ("prometheus", TWO, True, r"(web|data\\.service)"),
        ("prometheus", ["data.service"], True, r"data\\.service"),
        ("prometheus", ["a'b\\"], False, r"a\\'b" + "\\\\"),
        ("loki", TWO, True, r"web|data\\.service"),
        ("loki", ['a"b'], False, r"a\"b"),
    ],
)
def test_values_are_escaped_as_in_grafana(
    kind: str, values: list[str], several: bool, expected: str
) -> None:
    assert format_values(values, several, kind) == expected

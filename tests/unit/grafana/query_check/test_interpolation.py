import pytest

from grafana.query_check import interpolation
from grafana.query_check.dashboard_file import QueryCheckError, Variable
from grafana.query_check.interpolation import SelectedValue, interpolate, interpolate_builtins

TWO = ["web", "data.service"]


def filled(text: str, *values: str, is_all: bool = False, all_value: str = "") -> str:
    """Return a text with the values of `service`, as in a query of Prometheus."""
    variable = Variable("service", "query", "", True, True, all_value, {})
    selected = {"service": SelectedValue(variable, values, is_all)}
    return interpolate(text, selected, interpolation.prometheus)


@pytest.mark.parametrize(
    "text", ["$service", "${service}", "[[service]]", "${service:regex}", "[[service:regex]]"]
)
def test_every_variable_syntax_is_interpolated(text: str) -> None:
    assert filled(f'up{{a=~"{text}"}}', "web", "chat") == 'up{a=~"(web|chat)"}'


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("${service:pipe}", ["a", "b"], "a|b"),
        ("$unknown [[it]]", ["a"], "$unknown [[it]]"),
        ("x$service", [], "x"),
    ],
    ids=["own format", "unknown name", "no values"],
)
def test_text_is_filled(text: str, values: list[str], expected: str) -> None:
    assert filled(text, *values) == expected


def test_all_value_is_used_verbatim() -> None:
    assert filled("$service", "a", "b", is_all=True, all_value=".+") == ".+"


def test_builtins_follow() -> None:
    builtins = {"__range": "3600s", "__range_s": "3600"}
    text = "[$__range] ${__range_s} $__ranges"
    assert interpolate_builtins(text, builtins) == "[3600s] 3600 $__ranges"


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
    assert interpolation.format_named(name)(TWO, True) == expected


def test_unknown_format_is_rejected() -> None:
    with pytest.raises(QueryCheckError, match="unknown format"):
        interpolation.format_named("shout")


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
def test_values_in_queries(kind: str, values: list[str], several: bool, expected: str) -> None:
    assert interpolation.of_source(kind)(values, several) == expected

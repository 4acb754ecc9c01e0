import pytest

from grafana.query_check import value_formats
from grafana.query_check.dashboard_file import Variable
from grafana.query_check.interpolation import (
    SelectedValue,
    SelectedValues,
    interpolate,
    interpolate_builtins,
)


def variable(all_value: str = "") -> Variable:
    return Variable("service", "query", "", True, True, all_value, {})


def selected_values(*values: str, is_all: bool = False, all_value: str = "") -> SelectedValues:
    return {"service": SelectedValue(variable(all_value), values, is_all)}


@pytest.mark.parametrize(
    "text", ["$service", "${service}", "[[service]]", "${service:regex}", "[[service:regex]]"]
)
def test_every_variable_syntax_is_interpolated(text: str) -> None:
    assert interpolate(
        f'up{{a=~"{text}"}}', selected_values("web", "chat"), value_formats.prometheus
    ) == ('up{a=~"(web|chat)"}')


def test_format_wins_over_the_source() -> None:
    assert (
        interpolate("${service:pipe}", selected_values("a", "b"), value_formats.prometheus) == "a|b"
    )


def test_all_value_is_used_verbatim() -> None:
    selected = selected_values("a", "b", is_all=True, all_value=".+")
    assert interpolate("$service", selected, value_formats.prometheus) == ".+"


def test_unknown_name_stays() -> None:
    assert (
        interpolate("$unknown [[it]]", selected_values("a"), value_formats.prometheus)
        == "$unknown [[it]]"
    )


def test_no_values_are_nothing() -> None:
    assert interpolate("x$service", selected_values(), value_formats.prometheus) == "x"


def test_own_variables_follow() -> None:
    builtins = {"__range": "3600s", "__range_s": "3600"}
    assert (
        interpolate_builtins("[$__range] ${__range_s} $__ranges", builtins)
        == "[3600s] 3600 $__ranges"
    )

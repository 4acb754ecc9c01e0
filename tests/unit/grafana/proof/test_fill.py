import pytest

from grafana.proof import quote
from grafana.proof.dashboard import Variable
from grafana.proof.fill import Choice, Chosen, built_in, fill


def variable(all_value: str = "") -> Variable:
    return Variable("service", "query", "", True, True, all_value, {})


def choice(*values: str, is_all: bool = False, all_value: str = "") -> Choice:
    return {"service": Chosen(variable(all_value), values, is_all)}


@pytest.mark.parametrize(
    "text", ["$service", "${service}", "[[service]]", "${service:regex}", "[[service:regex]]"]
)
def test_every_way_to_name_a_variable(text: str) -> None:
    assert fill(f'up{{a=~"{text}"}}', choice("web", "chat"), quote.prometheus) == (
        'up{a=~"(web|chat)"}'
    )


def test_format_wins_over_the_source() -> None:
    assert fill("${service:pipe}", choice("a", "b"), quote.prometheus) == "a|b"


def test_all_value_is_written_as_it_is() -> None:
    chosen = choice("a", "b", is_all=True, all_value=".+")
    assert fill("$service", chosen, quote.prometheus) == ".+"


def test_unknown_name_stays() -> None:
    assert fill("$nobody [[it]]", choice("a"), quote.prometheus) == "$nobody [[it]]"


def test_no_values_are_nothing() -> None:
    assert fill("x$service", choice(), quote.prometheus) == "x"


def test_own_variables_follow() -> None:
    own = {"__range": "3600s", "__range_s": "3600"}
    assert built_in("[$__range] ${__range_s} $__ranges", own) == "[3600s] 3600 $__ranges"

import pytest

from alertdrill.drills.logql import branches
from alertdrill.drills.promql import Comparison, first_comparison

RATE = 'sum by (a)(rate({b=~".+"} | c!="" | d>=400 | e="(>" [1m]))'


@pytest.mark.parametrize(
    ("expression", "left", "sign", "right"),
    [
        ("(a > 1)", "a", ">", "1"),
        (f"({RATE} > 0.03)", RATE, ">", "0.03"),
        (f"(({RATE} > 1) and (({RATE} / {RATE}) > 0.1))", RATE, ">", "1"),
        ("((a / b) >= 0.5)", "a / b", ">=", "0.5"),
        ("((a > 0.2) unless b)", "a", ">", "0.2"),
        ("(b unless (a == 2))", "a", "==", "2"),
        ("(a > on(x) group_left(y) b)", "a", ">", "b"),
        ("(a > bool 1)", "a", ">", "1"),
        ("(a < -1)", "a", "<", "-1"),
        ("(rate({a=`>`}[1m]) != 0)", "rate({a=`>`}[1m])", "!=", "0"),
    ],
)
def test_first_comparison_is_found(expression: str, left: str, sign: str, right: str) -> None:
    assert first_comparison(branches(expression)) == Comparison(left, sign, right)


@pytest.mark.parametrize("expression", [RATE, "vector(1)", "(a and b)", '{a="b"} | c > 5', "1"])
def test_expression_may_compare_nothing(expression: str) -> None:
    found = first_comparison(branches(expression))
    assert found is None or expression.startswith("{")


def test_every_comparison_is_found() -> None:
    found = branches(f"(({RATE} > 1) and (({RATE} / {RATE}) > 0.1))")
    assert [[each.right for each in side] for side in found] == [["1", "0.1"]]


def test_sides_of_or_are_branches() -> None:
    found = branches("(((a > 1) and (b > 2)) or ((c < 3) or d))")
    assert [[each.left for each in side] for side in found] == [["a", "b"], ["c"], []]

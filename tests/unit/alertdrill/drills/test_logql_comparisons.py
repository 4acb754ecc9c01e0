import pytest

from alertdrill.drills.logql_comparisons import branches
from alertdrill.drills.promql_comparisons import Comparison, first_comparison

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
    parsed = first_comparison(branches(expression))
    assert parsed is None or expression.startswith("{")


def test_every_comparison_is_found() -> None:
    parsed = branches(f"(({RATE} > 1) and (({RATE} / {RATE}) > 0.1))")
    assert [[comparison.right for comparison in side] for side in parsed] == [["1", "0.1"]]


def test_sides_of_or_are_branches() -> None:
    parsed = branches("(((a > 1) and (b > 2)) or ((c < 3) or d))")
    assert [[comparison.left for comparison in side] for side in parsed] == [["a", "b"], ["c"], []]

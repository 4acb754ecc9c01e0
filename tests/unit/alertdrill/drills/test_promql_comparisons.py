import pytest
import yaml

from alertdrill.drills.promql_comparisons import Comparison, branches, first_comparison
from alertdrill.drills.rule_files import PROMETHEUS_RULES


@pytest.mark.parametrize(
    ("expression", "left", "sign", "right"),
    [
        ("a > 1", "a", ">", "1"),
        ("up == 0", "up", "==", "0"),
        ("a >= 0.5 * b", "a", ">=", "0.5 * b"),
        ("a > on (x) group_left () b", "a", ">", "b"),
        ("((a != 1))", "a", "!=", "1"),
        ("a > bool 1", "a", ">", "1"),
        ("a > 1 and b < 2", "a", ">", "1"),
        ("a and b < 2", "b", "<", "2"),
        ("(a or b) unless on (x) c <= 3", "c", "<=", "3"),
        ("a < 1 unless b", "a", "<", "1"),
        ("sum by (x) (a > 1)", "a", ">", "1"),
        ("count(up == 0) / count(up) > 0.5", "count(up == 0) / count(up)", ">", "0.5"),
        ("absent(a > 1)", "a", ">", "1"),
        ("predict_linear(a[30m], 4h) < 0", "predict_linear(a[30m], 14400)", "<", "0"),
    ],
)
def test_first_comparison_is_found(expression: str, left: str, sign: str, right: str) -> None:
    assert first_comparison(branches(expression)) == Comparison(left, sign, right)


@pytest.mark.parametrize("expression", ["vector(1)", "absent(up)", "a and b", "rate(a[5m])", "1"])
def test_expression_may_compare_nothing(expression: str) -> None:
    assert first_comparison(branches(expression)) is None


LONG = " + ".join(f'sum(rate(requests_total{{service="web",part="{n}"}}[5m]))' for n in range(4))


def test_long_sides_stay_one_line() -> None:
    parsed = first_comparison(branches(f"{LONG} > 1"))
    assert parsed
    assert "\n" not in parsed.left


def shipped() -> list[str]:
    files = sorted(PROMETHEUS_RULES.glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule["expr"] for group in groups for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("expression", shipped())
def test_shipped_expressions_are_understood(expression: str) -> None:
    parsed = first_comparison(branches(expression))
    assert parsed is None or parsed.left


def test_sides_of_or_are_branches() -> None:
    parsed = branches("(a > 1 and b > 2) or ((c < 3) or d)")
    assert [[comparison.left for comparison in side] for side in parsed] == [["a", "b"], ["c"], []]

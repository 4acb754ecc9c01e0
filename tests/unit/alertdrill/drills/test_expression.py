from itertools import chain
from pathlib import Path

import pytest

from alertdrill.drills.expression import (
    LOKI_RULES,
    PROMETHEUS_RULES,
    Comparison,
    alert_names,
    branches,
    is_log_alert,
    rule_groups,
)
from alertdrill.errors import AlertdrillError
from alertdrill.timescale.render import Language

RULES = "groups: [{name: g, rules: [{record: a:b, expr: up}, {alert: %s, expr: up}]}]"


def test_alerts_come_in_files_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(RULES % "Second")
    (tmp_path / "a.yml").write_text(RULES % "First")
    (tmp_path / "c.txt").write_text("no rules")
    assert alert_names(tmp_path) == ["First", "Second"]


@pytest.mark.parametrize("text", ["groups: [", "", "[]", "rules: []"])
def test_unreadable_rules_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(AlertdrillError, match=r"a\.yml: cannot read the rules: "):
        alert_names(tmp_path)


def test_rules_of_log_lines_are_in_loki() -> None:
    assert is_log_alert("LogsMissing")
    assert not is_log_alert("Watchdog")
    assert {"Watchdog", "LogsMissing"} <= {*alert_names(PROMETHEUS_RULES, LOKI_RULES)}


# A range of log lines, whose strings may contain anything.
RATE = 'sum by (a) (rate({b=~".+"} | c!="" | d>=400 | e="(>" [1m]))'
LONG = " + ".join(f'sum(rate(requests_total{{part="{n}",service="web"}}[5m]))' for n in range(4))
COUNTS = "count(up == 0) / count(up)"
UNWRAP = 'sum(rate({a="\\"[1m]"} | unwrap b[5m] offset 1m) by (c))'


@pytest.mark.parametrize(
    ("language", "expression", "left", "sign", "right"),
    [
        ("promql", "a > 1", "a", ">", "1"),
        ("promql", "up == 0", "up", "==", "0"),
        ("promql", "a >= 0.5 * b", "a", ">=", "0.5 * b"),
        ("promql", "a > on (x) group_left () b", "a", ">", "b"),
        ("promql", "((a != 1))", "a", "!=", "1"),
        ("promql", "a > bool 1", "a", ">", "1"),
        ("promql", "a > 1 and b < 2", "a", ">", "1"),
        ("promql", "a and b < 2", "b", "<", "2"),
        ("promql", "(a or b) unless on (x) c <= 3", "c", "<=", "3"),
        ("promql", "a < 1 unless b", "a", "<", "1"),
        ("promql", "sum by (x) (a > 1)", "a", ">", "1"),
        ("promql", f"{COUNTS} > 0.5", COUNTS, ">", "0.5"),
        ("promql", "absent(a > 1)", "a", ">", "1"),
        ("promql", "predict_linear(a[30m], 4h) < 0", "predict_linear(a[30m], 14400)", "<", "0"),
        ("promql", f"{LONG} > 1", LONG, ">", "1"),  # one line
        ("logql", "(a > 1)", "a", ">", "1"),
        ("logql", f"({RATE} > 0.03)", RATE, ">", "0.03"),
        ("logql", f"(({RATE} > 1) and (({RATE} / {RATE}) > 0.1))", RATE, ">", "1"),
        ("logql", "((a / b) >= 0.5)", "a / b", ">=", "0.5"),
        ("logql", "((a > 0.2) unless b)", "a", ">", "0.2"),
        ("logql", "(b unless (a == 2))", "a", "==", "2"),
        ("logql", "(a > on(x) group_left(y) b)", "a", ">", "b"),
        ("logql", "(a > bool 1)", "a", ">", "1"),
        ("logql", "(a < -1)", "a", "<", "-1"),
        ("logql", "(rate({a=`>`}[1m]) != 0)", "rate({a=`>`}[1m])", "!=", "0"),
        ("logql", f"({UNWRAP} > 2)", UNWRAP, ">", "2"),
    ],
)
def test_expression_has_a_first_comparison(
    language: Language, expression: str, left: str, sign: str, right: str
) -> None:
    parsed = chain.from_iterable(branches(language, expression))
    assert next(parsed) == Comparison(left, sign, right)


@pytest.mark.parametrize(
    ("language", "expression"),
    [
        *(("promql", text) for text in ("vector(1)", "absent(up)", "a and b", "rate(a[5m])", "1")),
        *(("logql", text) for text in (RATE, "vector(1)", "(a and b)", '{a="b"} | c > 5', "1")),
    ],
)
def test_expression_may_compare_nothing(language: Language, expression: str) -> None:
    assert not any(branches(language, expression))


@pytest.mark.parametrize(
    "rule", [rule for group in rule_groups(PROMETHEUS_RULES) for rule in group["rules"]]
)
def test_shipped_expressions_are_understood(rule: dict[str, str]) -> None:
    assert branches("promql", rule["expr"])


@pytest.mark.parametrize(
    ("language", "expression", "sides"),
    [
        ("promql", "(a > 1 and b > 2) or ((c < 3) or d)", [["a", "b"], ["c"], []]),
        ("logql", "(((a > 1) and (b > 2)) or ((c < 3) or d))", [["a", "b"], ["c"], []]),
        ("logql", f"(({RATE} > 1) and (({RATE} / {RATE}) > 0.1))", [[RATE, f"{RATE} / {RATE}"]]),
    ],
)
def test_sides_of_or_are_branches(
    language: Language, expression: str, sides: list[list[str]]
) -> None:
    parsed = branches(language, expression)
    assert [[comparison.left for comparison in side] for side in parsed] == sides

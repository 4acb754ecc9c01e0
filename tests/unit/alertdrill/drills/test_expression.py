from itertools import chain
from pathlib import Path

import pytest

from alertdrill.drills.expression import (
    LOKI_RULES,
    PROMETHEUS_RULES,
    Comparison,
    Language,
    alert_names,
    branches,
    is_log_alert,
    rule_groups,
    runbook_queries,
)
from alertdrill.errors import AlertdrillError

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


RUNBOOK = """\
# Down

```promql
up == 0
```
Some words, and `code`.
```bash
make up
```
```logql
{service="web"}
```
```promql
sum(
  rate(a[5m]))
```
"""


def test_runbook_queries_are_its_fenced_blocks() -> None:
    assert runbook_queries(RUNBOOK) == [
        ("promql", "up == 0"),
        ("logql", '{service="web"}'),
        ("promql", "sum(\n  rate(a[5m]))"),
    ]


def first_comparison(language: Language, expression: str) -> Comparison | None:
    return next(chain.from_iterable(branches(language, expression)), None)


# PromQL


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
def test_promql_has_a_first_comparison(expression: str, left: str, sign: str, right: str) -> None:
    assert first_comparison("promql", expression) == Comparison(left, sign, right)


@pytest.mark.parametrize("expression", ["vector(1)", "absent(up)", "a and b", "rate(a[5m])", "1"])
def test_promql_may_compare_nothing(expression: str) -> None:
    assert first_comparison("promql", expression) is None


LONG = " + ".join(f'sum(rate(requests_total{{service="web",part="{n}"}}[5m]))' for n in range(4))


def test_promql_long_sides_stay_one_line() -> None:
    parsed = first_comparison("promql", f"{LONG} > 1")
    assert parsed
    assert "\n" not in parsed.left


@pytest.mark.parametrize(
    "rule", [rule for group in rule_groups(PROMETHEUS_RULES) for rule in group["rules"]]
)
def test_shipped_expressions_are_understood(rule: dict[str, str]) -> None:
    assert branches("promql", rule["expr"])


# LogQL

RATE = 'sum by (a) (rate({b=~".+"} | c!="" | d>=400 | e="(>" [1m]))'


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
        (
            *('(sum(rate({a="\\"[1m]"} | unwrap b[5m] offset 1m) by (c)) > 2)',),
            *('sum(rate({a="\\"[1m]"} | unwrap b[5m] offset 1m) by (c))', ">", "2"),
        ),
    ],
)
def test_logql_has_a_first_comparison(expression: str, left: str, sign: str, right: str) -> None:
    assert first_comparison("logql", expression) == Comparison(left, sign, right)


@pytest.mark.parametrize("expression", [RATE, "vector(1)", "(a and b)", '{a="b"} | c > 5', "1"])
def test_logql_may_compare_nothing(expression: str) -> None:
    assert first_comparison("logql", expression) is None


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

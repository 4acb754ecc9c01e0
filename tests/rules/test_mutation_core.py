"""Test the mutations, and the report of survivors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.rules.mutations import mutations
from tests.rules.mutations.batch_variants import combined_rules, variant
from tests.rules.mutations.check import Report, check_alert, check_record, records
from tests.rules.mutations.expression import changes
from tests.rules.mutations.rules import RuleTests, name
from tests.rules.mutations.tokens import tokens

RULES = Path(__file__).parent.parent.parent / "prometheus" / "rules"
EVERY_RULE = [
    rule
    for file in sorted(RULES.glob("*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a > 0.05", {"a > 0.055": "threshold 0.05 -> 0.055"}),
        ("a > 0.05", {"a > 0.045": "threshold 0.05 -> 0.045"}),
        ("a > 3", {"a > 4": "threshold 3 -> 4", "a > 2": "threshold 3 -> 2"}),
        ("a > 0", {"a > 1": "threshold 0 -> 1", "a > -1": "threshold 0 -> -1"}),
        ("a > 10", {"a > 11": "threshold 10 -> 11", "a > 9": "threshold 10 -> 9"}),
        ("a > 1e9", {"a > 1100000000": "threshold 1e9 -> 1100000000"}),
        ("a > b", {"a >= b": "comparison > -> >="}),
        ("a >= b", {"a > b": "comparison >= -> >"}),
        ("a <= bool b", {"a < bool b": "comparison <= -> <"}),
        ("a == b", {"a != b": "comparison == -> !="}),
        ("a[5m]", {"a[10m]": "window 5m -> 10m", "a[150s]": "window 5m -> 150s"}),
        ("a[30m:1m]", {"a[1h:1m]": "window 30m -> 1h", "a[30m:2m]": "window 1m -> 2m"}),
        ("a[30m:]", {"a[15m:]": "window 30m -> 15m"}),
        ("a offset 5s", {"a offset 2500ms": "offset 5s -> 2500ms"}),
        ("a offset -1h30m", {"a offset -3h": "offset 1h30m -> 3h"}),
        ("f(a[30m], 4h)", {"f(a[30m], 8h)": "duration 4h -> 8h"}),
        (
            "histogram_quantile(0.95, a)",
            {"histogram_quantile(1.045, a)": "threshold 0.95 -> 1.045"},
        ),
        (
            'a{b="c", d=~"e"}',
            {'a{d=~"e"}': 'a without b="c"', 'a{b="c"}': 'a without d=~"e"'},
        ),
        ('a{b!="c",}', {"a{}": 'a without b!="c"'}),
        ('{__name__="a", b="c"}', {'{__name__="a"}': 'selector without b="c"'}),
    ],
)
def test_change_is_found(expression: str, expected: dict[str, str]) -> None:
    results = {changed: text for text, changed in changes(expression)}
    assert expected.items() <= results.items()


@pytest.mark.parametrize(
    "expression",
    ["a", 'label_replace(a, "b", "1 > 0", "c", "5m")', '{a="b"}', "a5m:rate5m", "a # > 1"],
)
def test_nothing_else_is_changed(expression: str) -> None:
    assert list(changes(expression)) == []


def test_durations_of_an_alert_are_changed() -> None:
    rule = {"alert": "A", "expr": "a", "for": "0s", "keep_firing_for": "1m"}
    assert [(mutation.text, mutation.rule) for mutation in mutations(rule)] == [
        ("for 0s -> 5s", {**rule, "for": "5s"}),
        ("keep_firing_for 1m -> 2m", {**rule, "keep_firing_for": "2m"}),
        ("keep_firing_for 1m -> 30s", {**rule, "keep_firing_for": "30s"}),
    ]


def test_same_changes_are_numbered() -> None:
    rule = {"alert": "A", "expr": "a < b and b < c"}
    texts = [mutation.text for mutation in mutations(rule)]
    assert texts == ["comparison < -> <=", "comparison < -> <= (2)"]


def test_unknown_characters_are_rejected() -> None:
    with pytest.raises(ValueError, match="unknown PromQL"):
        tokens("a $ b")


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.get("alert") or rule["record"])
def test_nothing_is_overlooked(rule: dict[str, Any]) -> None:
    """A real parser finds as many numbers, comparisons, windows and matchers."""
    seen: Counter[str] = Counter()

    def see(node: Any) -> None:
        seen["number"] += isinstance(node, promql_parser.NumberLiteral)
        seen["window"] += isinstance(node, promql_parser.MatrixSelector)
        if isinstance(node, promql_parser.SubqueryExpr):
            seen["window"] += 1 + (node.step is not None)
        if isinstance(node, promql_parser.VectorSelector):
            seen["offset"] += node.offset is not None
            seen["matcher"] += len(node.matchers.matchers)
        if isinstance(node, promql_parser.BinaryExpr):
            seen["comparison"] += str(node.op) in {">", "<", ">=", "<=", "==", "!="}

    promql_parser.walk(promql_parser.parse(rule["expr"]), see)
    token_list = tokens(rule["expr"])
    ours = Counter(_kind(token_list, index) for index in range(len(token_list)))
    assert {kind: ours[kind] for kind in seen} == seen
    for _, changed in changes(rule["expr"]):
        promql_parser.parse(changed)


def _kind(token_list: list[Any], index: int) -> str:
    token, before = token_list[index], token_list[max(index - 1, 0)].text
    if token.inside == "{":
        return "matcher" if token.kind == "name" else ""
    if token.kind == "duration":
        return "window" if token.inside else "offset" if before == "offset" else "number"
    return "comparison" if token.text in {">", "<", ">=", "<=", "==", "!="} else token.kind


# A rule with tests that detect its comparison and its `for`, but not its threshold.
WEAK_RULES = """
groups:
  - name: weak
    rules:
      - record: a:doubled
        expr: a * 2
      - alert: Weak
        expr: a:doubled > 100
        for: 5s
"""
WEAK_TESTS = """
# equivalent: for 5s -> 2500ms: nothing is evaluated between two evaluations.
rule_files:
  - weak-rules.yaml
evaluation_interval: 5s
tests:
  - name: twice 500 is far over 100, after 5 s (and no later)
    interval: 5s
    input_series:
      - {series: a, values: 0 500x5}
    alert_rule_test:
      - {alertname: Weak, eval_time: 5s, exp_alerts: []}
      - {alertname: Weak, eval_time: 10s, exp_alerts: [{exp_labels: {}}]}
"""


def weak(folder: Path, *more: str, rules: str = WEAK_RULES) -> RuleTests:
    (folder / "weak-rules.yaml").write_text(rules)
    file = folder / "Weak.yml"
    file.write_text("\n".join([*more, WEAK_TESTS]))
    return RuleTests(file)


def test_survivors_are_reported(tmp_path: Path) -> None:
    assert check_alert(weak(tmp_path)).problems == [
        "No test of Weak fails with comparison > -> >=.",
        "No test of Weak fails with threshold 100 -> 110.",
        "No test of Weak fails with threshold 100 -> 90.",
    ]


def test_survivor_of_a_recording_rule_is_reported(tmp_path: Path) -> None:
    files_by_record = records([weak(tmp_path)])
    assert list(files_by_record) == ["a:doubled"]
    assert check_record("a:doubled", files_by_record["a:doubled"]).problems == [
        "No test of a:doubled fails with threshold 2 -> 3.",
        "No test of a:doubled fails with threshold 2 -> 1.",
    ]


def test_equivalent_survivor_of_a_recording_rule_is_fine(tmp_path: Path) -> None:
    lines = [f"# equivalent: a:doubled: threshold 2 -> {other}: any will do." for other in (3, 1)]
    rule_tests = weak(tmp_path, *lines)
    assert check_record("a:doubled", [rule_tests]).problems == []
    assert not any("unknown" in problem for problem in check_alert(rule_tests).problems)


def test_failing_tests_are_rejected(tmp_path: Path) -> None:
    broken = weak(tmp_path, rules=WEAK_RULES.replace("> 100", "> 10000"))
    with pytest.raises(ValueError, match="fails without a mutation"):
        check_alert(broken)


def test_tests_must_have_names(tmp_path: Path) -> None:
    rule_tests = weak(tmp_path)
    rule_tests.path.write_text(rule_tests.text.replace("name: twice", "# twice"))
    with pytest.raises(LookupError, match="has no name"):
        check_alert(rule_tests)


def named(folder: Path, *groups: dict[str, Any]) -> RuleTests:
    (folder / "weak-rules.yaml").write_text(WEAK_RULES)
    file = folder / "Weak.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["weak-rules.yaml"], "tests": [*groups]}))
    return RuleTests(file)


def group(name: str, *times: str, series: str = "a", fires: bool = False) -> dict[str, Any]:
    alerts: list[dict[str, Any]] = [{"exp_labels": {}}] if fires else []
    checks = [{"eval_time": time, "exp_alerts": alerts} for time in times]
    series_of = [{"series": series, "values": "1"}]
    return {"name": name, "input_series": series_of, "alert_rule_test": checks}


def names(cases: list[dict[str, Any]]) -> list[str]:
    return [case["name"] for case in cases]


def test_shortest_test_goes_first(tmp_path: Path) -> None:
    rule_tests = named(tmp_path, group("long", "1m5s", "5s"), group("short", "30s"))
    assert names(rule_tests.cases(rule_tests.rules())) == ["short", "long"]


def test_quiet_test_goes_last(tmp_path: Path) -> None:
    rule_tests = named(tmp_path, group("quiet", "5s"), group("fires", "1m", fires=True))
    assert names(rule_tests.cases(rule_tests.rules())) == ["fires", "quiet"]


def test_rule_without_a_series_is_not_tried(tmp_path: Path) -> None:
    rule_tests = named(tmp_path, group("other", "5s", series='b{c="d"}'), group("given", "5s"))
    record = [rule for rule in rule_tests.rules() if "record" in rule]
    assert names(rule_tests.cases(record)) == ["given"]


def test_rule_that_needs_no_series_is_tried(tmp_path: Path) -> None:
    rule_tests = named(tmp_path, group("other", "5s", series="b"))
    assert names(rule_tests.cases([{"record": "a", "expr": "absent(a)"}])) == ["other"]


def test_alert_must_be_in_the_listed_files(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="lists no rule file that has Weak"):
        check_alert(weak(tmp_path, rules=WEAK_RULES.replace("Weak", "Strong")))


def test_equivalent_mutation_that_is_noticed_is_a_problem() -> None:
    report = Report("A", [], killed=["for 1m -> 2m"], equivalents=["for 1m -> 2m: why not"])
    assert report.problems == [
        "A lists a mutation as equivalent that the tests detect: for 1m -> 2m."
    ]


@pytest.mark.parametrize("line", ["for 2m -> 4m: why not", "for 1m -> 2m", "for 1m -> 2m (2): so"])
def test_unknown_equivalent_mutation_is_a_problem(line: str) -> None:
    report = Report("A", [], killed=["for 1m -> 2m"], equivalents=[line])
    assert report.problems == [
        f"A lists an unknown equivalent mutation, or gives no reason: {line}"
    ]


def test_variants_read_their_own_records(tmp_path: Path) -> None:
    rule_tests = weak(tmp_path)
    record, alert = rule_tests.needed()[0]["rules"]
    own = variant(3, [alert, record], record, {**record, "expr": "a * 4"})
    rules = combined_rules(rule_tests.needed(), [own])[0]["rules"]
    assert [(name(rule), rule["expr"]) for rule in rules] == [
        ("a:doubled", "a * 2"),
        ("a:doubled_v3", "a * 4"),
        ("Weak", "a:doubled > 100"),
        ("Weak_v3", "a:doubled_v3 > 100"),
    ]


def test_values_are_read_as_strings(tmp_path: Path) -> None:
    rule_tests = weak(tmp_path)
    rule_tests.path.write_text(rule_tests.text.replace("0 500x5", "0x36"))
    assert rule_tests.parsed()["tests"][0]["input_series"] == [{"series": "a", "values": "0x36"}]

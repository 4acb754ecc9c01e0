"""Every alert has a rule, rule tests, a runbook, a drill and a policy entry under one name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from alerting.responder.healing.policy import Policy, load_policy

if TYPE_CHECKING:
    from .conftest import Rule

# The file of each link of the chain.
LINKS = {
    "rule tests of Prometheus": "tests/rules/{}.yml",
    "rule tests of Loki": "tests/log_rules/{}.yml",
    "runbook": "alerting/runbooks/{}.md",
    "drill": "drills/{}.yml",
}
HEADINGS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]
SEVERITIES = {"page", "ticket", "none"}
RUNBOOK_URL = "{{{{ $externalLabels.responder }}}}/runbooks/{}"
# A dashboard by its uid, with at most some of the alert's labels as its variables.
VARIABLE = r"var-([a-z_]+)=\{\{ \$labels\.\1 \}\}"
DASHBOARD_URL = rf"\{{\{{ \$externalLabels\.grafana \}}\}}/d/[a-z0-9-]+(?:\?{VARIABLE})?"


def test_alert_names_are_unique_and_pascal_case(rules: list[Rule]) -> None:
    names = [rule.alert for rule in rules if rule.alert]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z0-9]+)+", name)] == []


@pytest.mark.parametrize("link", LINKS)
def test_alert_has_every_link(root: Path, alert: Rule, link: str) -> None:
    other = "rule tests of Prometheus" if alert.of_loki else "rule tests of Loki"
    assert (root / LINKS[link].format(alert.alert)).is_file() == (link != other)


@pytest.mark.parametrize("link", LINKS)
def test_every_link_has_its_alert(root: Path, rules: list[Rule], link: str) -> None:
    linked = {path.stem for path in root.glob(LINKS[link].format("*"))}
    assert linked - {rule.alert for rule in rules} == set()


def test_alert_has_for_and_its_expression_is_a_block(alert: Rule) -> None:
    written = {key.value: value for key, value in alert.node.value}
    assert written["expr"].style == "|"
    assert re.fullmatch(r"\d+[smh]", alert.fields["for"])


@pytest.mark.parametrize("field", ["expr", "for"])
def test_numbers_come_with_their_reason(alert: Rule, field: str) -> None:
    line = next(key.start_mark.line for key, _ in alert.node.value if key.value == field)
    above = alert.file.read_text().splitlines()[line - 1]
    assert above.strip().startswith("# ")


def test_summary_is_one_short_sentence(alert: Rule) -> None:
    summary = re.sub(r"\{\{ .+? \}\}", "x", alert.fields["annotations"]["summary"])
    assert re.fullmatch(r"[A-Z].+\.", summary)
    assert not re.search(r"\. [A-Z]", summary)
    assert len(summary) <= 80


def test_labels_and_annotations_follow_their_patterns(alert: Rule) -> None:
    annotations = alert.fields["annotations"]
    assert alert.fields["labels"]["severity"] in SEVERITIES
    assert re.search(r"\{\{ \$(labels\.|value)", annotations["description"])
    assert annotations["runbook_url"] == RUNBOOK_URL.format(alert.alert)
    assert re.fullmatch(DASHBOARD_URL, annotations["dashboard_url"])


def test_runbook_has_the_four_headings(root: Path, alert: Rule) -> None:
    text = (root / LINKS["runbook"].format(alert.alert)).read_text()
    assert text.startswith(f"# {alert.alert}\n")
    assert re.findall("^##? .*", text, re.MULTILINE)[1:] == HEADINGS
    diagnosis = text.split("## Diagnosis")[1].split("## Mitigation")[0]
    assert "```promql\n" in diagnosis


def test_policy_has_exactly_the_alerts(policy: Policy, rules: list[Rule]) -> None:
    assert sorted(policy.alerts) == sorted(rule.alert for rule in rules if rule.alert)


def test_policy_entry_has_a_reason_and_a_default(policy: Policy, alert: Rule) -> None:
    entries = policy.alerts[alert.alert]
    assert all(len(entry.reason) > 10 for entry in entries)
    assert entries[-1].labels == {}  # the last entry applies to every target


def test_alert_with_an_action_is_not_inhibited(root: Path, policy: Policy, alert: Rule) -> None:
    if all(entry.action == "none" for entry in policy.alerts[alert.alert]):
        return
    labels = {"alertname": alert.alert, **alert.fields["labels"], "service": "web"}
    routes = yaml.safe_load((root / "alerting/alertmanager.yml").read_text())
    holding = [
        rule["source_matchers"]
        for rule in routes["inhibit_rules"]
        if all(holds(matcher, labels) for matcher in rule["target_matchers"])
    ]
    # Of two alerts about an instance, the responder acts on the one with the cause.
    why = 'alertname =~ "InstanceHung|InstanceCrashLooping|LogPipelineDown"'
    assert holding in ([], [[why]])


@pytest.mark.parametrize(
    ("source", "target", "inhibited"),
    [
        (("ServiceDown", "web"), ("HealingExhausted", "web"), True),
        (("DataServiceErrors", "data-service"), ("WebHighErrorRate", "web"), True),
        (("DataServiceErrors", "data-service"), ("HealingExhausted", "web"), False),
        (("HealingExhausted", "data-service"), ("HealingExhausted", "web"), False),
        (("HealingExhausted", "data-service"), ("WebHighErrorRate", "web"), False),
    ],
)
def test_budget_of_a_service_and_pages_of_another_do_not_inhibit_each_other(
    root: Path, source: tuple[str, str], target: tuple[str, str], inhibited: bool
) -> None:
    first, second = (
        {"alertname": alert, "service": service, "severity": "page"}
        for alert, service in (source, target)
    )
    inhibiting = [
        rule
        for rule in yaml.safe_load((root / "alerting/alertmanager.yml").read_text())[
            "inhibit_rules"
        ]
        if all(holds(matcher, first) for matcher in rule["source_matchers"])
        and all(holds(matcher, second) for matcher in rule["target_matchers"])
        and all(first.get(label) == second.get(label) for label in rule.get("equal", ()))
    ]
    assert bool(inhibiting) == inhibited


def holds(matcher: str, labels: dict[str, str]) -> bool:
    """Tell whether a matcher of Alertmanager, such as `a =~ "b|c"`, matches labels."""
    match = re.fullmatch(r'(\w+) *(=~|!~|!=|=) *"?([^"]*)"?', matcher)
    assert match is not None, matcher
    name, sign, value = match.groups()
    pattern = value if "~" in sign else re.escape(value)
    same = re.fullmatch(pattern, labels.get(name, "")) is not None
    return same != sign.startswith("!")


def test_matchers_are_read_as_alertmanager_does() -> None:
    labels = {"a": "b"}
    assert holds("a = b", labels)
    assert not holds("a != b", labels)
    assert holds('a =~ "b|c"', labels)
    assert not holds('a !~ "b|c"', labels)
    assert holds("a =~ .*", labels)
    assert not holds("a = bb", labels)


@pytest.fixture(scope="module")
def policy(root: Path) -> Policy:
    return load_policy(root / "alerting/policy.yml")

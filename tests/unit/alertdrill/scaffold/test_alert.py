from __future__ import annotations

from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.drills.loader import load_drill
from alertdrill.scaffold.alert import ALERT_KINDS, AlertKind, add_alert
from alertdrill.scaffold.repository import Repository, ScaffoldError, write_changes
from alerting.responder.healing.policy import load_policy
from tests.unit.alertdrill.scaffold.files import contents

LINKS = {
    "prometheus/rules/web.yml",
    "tests/rules/WebTrouble.yml",
    "alerting/runbooks/WebTrouble.md",
    "drills/WebTrouble.yml",
    "alerting/policy.yml",
    "alerting/alertmanager.yml",
}


def groups(root: Path, service: str = "web") -> list[dict[str, Any]]:
    text = (root / f"prometheus/rules/{service}.yml").read_text()
    found: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    return found


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_every_link_is_written_and_marked(root: Path, kind: AlertKind) -> None:
    repository = add_alert(Repository(root), "WebTrouble", "web", kind)
    assert set(repository.changes) == LINKS
    assert {line.split(":")[0] for line in repository.decisions()} == LINKS - {
        "tests/rules/WebTrouble.yml"
    }
    assert not [text for text in repository.changes.values() if "@{" in text]


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_links_parse(root: Path, kind: AlertKind) -> None:
    write_changes(add_alert(Repository(root), "WebTrouble", "web", kind))
    ((rule,),) = [group["rules"] for group in groups(root)]
    assert rule["alert"] == "WebTrouble"
    drill = load_drill(root / "drills/WebTrouble.yml", root)
    assert (drill.fault.kind, drill.fault.target) == (kind, "web")
    assert drill.load.shape == "steady"
    assert drill.expect.matches({"service": "web", **rule["labels"]})
    (entry,) = load_policy(root / "alerting/policy.yml").alerts["WebTrouble"]
    assert entry.action == "none"


@pytest.mark.parametrize("kind", ALERT_KINDS)
def test_existing_text_stays(root: Path, kind: AlertKind) -> None:
    repository = add_alert(Repository(root), "WebTrouble", "web", kind)
    for path in ("alerting/policy.yml", "alerting/alertmanager.yml"):
        before, after = ((root / path).read_text(), repository.changes[path])
        changes = ndiff(before.splitlines(), after.splitlines())
        assert [line for line in changes if line.startswith("- ")] == []


def test_other_alerts_of_the_service_explain_nothing_twice(root: Path) -> None:
    write_changes(add_alert(Repository(root), "WebTrouble", "web"))
    rules = yaml.safe_load((root / "alerting/alertmanager.yml").read_text())["inhibit_rules"]
    assert {
        "source_matchers": ["alertname = WebTrouble"],
        "target_matchers": ['alertname =~ "HighLatency|.+Burn.+"'],
        "equal": ["service"],
    } in rules


def test_second_alert_is_appended_to_the_group_of_the_service(root: Path) -> None:
    write_changes(add_alert(Repository(root), "WebTrouble", "web"))
    first = (root / "prometheus/rules/web.yml").read_text()
    write_changes(add_alert(Repository(root), "WebSlowness", "web", "latency"))
    assert (root / "prometheus/rules/web.yml").read_text().startswith(first)
    ((name, rules),) = [(group["name"], group["rules"]) for group in groups(root)]
    assert (name, [rule["alert"] for rule in rules]) == ("web", ["WebTrouble", "WebSlowness"])


def test_rule_file_without_the_group_gets_it(root: Path) -> None:
    own = "groups:\n  - name: mine\n    rules:\n      - {record: a:b, expr: vector(1)}\n"
    (root / "prometheus/rules/web.yml").write_text(own)
    write_changes(add_alert(Repository(root), "WebTrouble", "web"))
    assert [group["name"] for group in groups(root)] == ["mine", "web"]
    assert (root / "prometheus/rules/web.yml").read_text().startswith(own)


def test_drill_uses_the_profile_of_the_service_and_names_its_callers(root: Path) -> None:
    profiles = root / "loadtests/profiles.yml"
    steady = yaml.safe_load(profiles.read_text())["steady"]
    del steady["mix"]
    steady |= {"service": "data-service", "requests": [{"path": "/process"}], "users": 7}
    profiles.write_text(profiles.read_text() + yaml.safe_dump({"rows": steady}))
    write_changes(add_alert(Repository(root), "DataTrouble", "data-service"))
    drill = load_drill(root / "drills/DataTrouble.yml", root)
    assert (drill.load.shape, drill.load.users, drill.expect.affects) == ("rows", 7, ["web"])


def test_latency_is_that_of_the_objective(root: Path) -> None:
    services = root / "apps/services.yml"
    services.write_text(services.read_text().replace("latency: 500ms", "latency: 1s"))
    write_changes(add_alert(Repository(root), "WebSlowness", "web", "latency"))
    ((rule,),) = [group["rules"] for group in groups(root)]
    assert 'le="1.0"' in rule["expr"]
    assert load_drill(root / "drills/WebSlowness.yml", root).fault.parameters["seconds"] == 1.6


@pytest.mark.parametrize(
    ("name", "service", "message"),
    [
        ("webTrouble", "web", "'webTrouble' is no name of an alert: use PascalCase"),
        ("Web_Trouble", "web", "'Web_Trouble' is no name of an alert: use PascalCase"),
        ("HighLatency", "web", "The alert HighLatency is already in prometheus/rules/latency.yml"),
        ("LogFlood", "web", "The alert LogFlood is already in prometheus/rules/logs.yml"),
        ("WebTrouble", "shop", "There is no service 'shop': known services are web, data-service"),
        ("DataTrouble", "data-service", "No load sends requests to data-service, so a drill of"),
    ],
)
def test_refused_alert_writes_nothing(root: Path, name: str, service: str, message: str) -> None:
    before = contents(root)
    with pytest.raises(ScaffoldError) as refused:
        add_alert(Repository(root), name, service)
    assert str(refused.value).startswith(message)
    assert contents(root) == before


def test_file_of_another_alert_is_not_overwritten(root: Path) -> None:
    (root / "drills/WebTrouble.yml").write_text("mine")
    with pytest.raises(ScaffoldError, match=r"^drills/WebTrouble\.yml exists already"):
        add_alert(Repository(root), "WebTrouble", "web")


def test_group_of_another_file_is_refused(root: Path) -> None:
    file = root / "prometheus/rules/other.yml"
    file.write_text("groups:\n  - name: web\n    rules: []\n")
    with pytest.raises(ScaffoldError, match=r"^prometheus/rules/other\.yml has a group web"):
        add_alert(Repository(root), "WebTrouble", "web")


def test_latency_without_room_below_the_load_balancers_limit_is_refused(root: Path) -> None:
    services = root / "apps/services.yml"
    services.write_text(services.read_text().replace("latency: 500ms", "latency: 10s"))
    with pytest.raises(ScaffoldError, match=r"^web has 10 s for a request, and the load balancer"):
        add_alert(Repository(root), "WebSlowness", "web", "latency")

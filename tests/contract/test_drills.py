"""Every alert has a drill that can run, and whose limits and faults are possible."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.config.durations import parse_seconds
from alertdrill.drills.expression import LOKI_RULES, PROMETHEUS_RULES, alert_names
from alertdrill.drills.faults.registry import KINDS
from alertdrill.drills.faults.stack import service_fault
from alertdrill.drills.ideal_times import crossing_share, find_pipeline, ideal_times
from alertdrill.drills.loader import load_all
from alertdrill.drills.model import ACTIONS, Drill
from alertdrill_telemetry.faults import kinds as services
from alerting.responder.clients import Instance
from alerting.responder.healing.planner import plan
from alerting.responder.healing.policy import load_policy
from alerting.responder.healing.snapshot import StackSnapshot
from alerting.responder.healing.store import Action, ActiveAlert

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = load_all()
DRILLS = list(CATALOGUE.drills.values())
POLICY = load_policy(ROOT / "alerting" / "policy.yml")
# The other drills expect another alert.
OF_THE_ALERT = [drill for drill in DRILLS if not drill.expect.replacement_alert]
WITH_LEVELS = [drill for drill in DRILLS if drill.crossing.during is not None]
OF_SERVICES = [drill for drill in DRILLS if KINDS[drill.fault.kind].fault is service_fault]
# Without time compression, and with the default one.
SPEEDS = (1.0, 12.0)


def by_alert(drill: Drill) -> str:
    return drill.alert


@cache
def rules_by_alert() -> dict[str, dict[str, Any]]:
    files = [*sorted(PROMETHEUS_RULES.glob("*.yml")), *sorted(LOKI_RULES.glob("*.yml"))]
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def rule_of(drill: Drill) -> dict[str, Any]:
    return rules_by_alert()[drill.alert]


@cache
def alerts_of_loki() -> list[str]:
    return alert_names(LOKI_RULES)


@cache
def read_yaml(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text())


def test_every_alert_has_valid_drill() -> None:
    assert not CATALOGUE.errors, "\n".join(CATALOGUE.errors)


@pytest.mark.parametrize("drill", OF_THE_ALERT, ids=by_alert)
def test_drill_expects_the_labels_of_the_rule(drill: Drill) -> None:
    expected = drill.expect.labels
    fixed = {
        name: value for name, value in rule_of(drill)["labels"].items() if "{{" not in str(value)
    }
    assert expected["severity"] == fixed["severity"]
    assert "service" in expected
    assert {name: fixed.get(name, value) for name, value in expected.items()} == expected


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("drill", OF_THE_ALERT, ids=by_alert)
def test_deadlines_are_above_the_ideal_times(drill: Drill, speed: float) -> None:
    pipeline = find_pipeline(drill.alert)
    assert pipeline is not None
    times = ideal_times(drill, pipeline, speed)
    assert all(0 <= time.fastest <= time.expected <= time.slowest for time in times.values())
    last = times["firing" if drill.expect.notified == "late" else "notified"]
    # Without the grace, which allows for a slow machine.
    assert drill.deadlines.detect / speed + drill.crossing.fixed_delay >= last.slowest


@pytest.mark.parametrize("drill", WITH_LEVELS, ids=by_alert)
def test_levels_cross_the_threshold_of_the_rule(drill: Drill) -> None:
    assert 0 < crossing_share(drill, rule_of(drill)["expr"]) < 1
    assert re.search(r"\[[0-9]+[smh]\]", rule_of(drill)["expr"])


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("drill", OF_SERVICES, ids=by_alert)
def test_services_accept_the_fault(drill: Drill, speed: float) -> None:
    kind = KINDS[drill.fault.kind]
    parameters = kind.at_speed(drill.fault.parameters, speed)
    parameters["duration"] = drill.fault_duration(speed)
    assert services.parse_fault(kind.name, parameters).kind == kind.name


@pytest.mark.parametrize("drill", DRILLS, ids=by_alert)
def test_policy_has_the_expected_action(drill: Drill) -> None:
    rule = POLICY.rule_for(drill.alert, drill.expect.labels)
    assert rule.action == (drill.expect.heal if drill.expect.heal in ACTIONS else "none")
    # Otherwise the drill's limit would pass before the policy allows the action.
    assert (drill.deadlines.heal or 0) > rule.min_firing or rule.action == "none"


@pytest.mark.parametrize("restart_takes", [0, 3])
def test_restarts_exhaust_the_budget_when_the_drill_expects_it(restart_takes: int) -> None:
    drill = CATALOGUE.drills["HealingExhausted"]
    target, service = drill.fault.target, drill.expect.labels["service"]
    down = Instance(name=target, service=service, state="stopped", healing_enabled=True)
    alert = ActiveAlert(
        "InstanceDown",
        {"job": "services", "service": service, "instance": target},
        firing_since=parse_seconds(rules_by_alert()["InstanceDown"]["for"]),
    )
    restarts: list[Action] = []
    for now in range(int(drill.deadlines.detect)):
        snapshot = StackSnapshot(now, [alert], instances=[down], recent_actions=restarts)
        planned = plan(snapshot, POLICY)
        if planned.expected.open_circuits:
            break
        if planned.decisions[0].action == "restart":
            restarts.append(Action("restart", service, target, now, now + restart_takes))
    ideal = drill.crossing.fastest
    assert drill.crossing.slowest == ideal
    delay = drill.crossing.fixed_delay if restart_takes else 0
    assert planned.expected.open_circuits == {service: ideal + delay}


@pytest.mark.parametrize("drill", DRILLS, ids=by_alert)
def test_note_is_a_sentence(drill: Drill) -> None:
    assert not drill.note or re.fullmatch(r"[A-Z].+\.", drill.note)

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.services import SERVICES
from alertdrill.drills.loader import load_all, load_drill
from alertdrill.drills.model import (
    ACTIONS,
    NO_LOAD,
    Crossing,
    Deadlines,
    Drill,
    Expectation,
    FaultSpec,
    InvalidDrillError,
    LoadSpec,
    SyntheticSeries,
)
from alertdrill.errors import AlertdrillError

OURS = ", ".join(SERVICES)
ALERTS = ["Down", "Slow"]
# Line 1 is the alert, 2 the description, 3 the fault, 4 the deadlines; tests add line 5.
MINIMAL = """\
alert: Down
description: Web answers with errors.
fault: {kind: errors, target: web, probability: 0.5}
deadlines: {detect: 90s, resolve: 2m}
"""
FAULT = "errors, target: web, probability: 0.5"
Read = Callable[..., Drill]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with the alerts Down and Slow, whose policy has two forms of entries."""
    rules = [{"alert": alert, "expr": "up"} for alert in ALERTS]
    write(tmp_path / "prometheus/rules/all.yml", {"groups": [{"name": "a", "rules": rules[:1]}]})
    write(tmp_path / "loki/rules/all.yml", {"groups": [{"name": "b", "rules": rules[1:]}]})
    actions = [{"action": action} for action in ("none", *ACTIONS)]
    write_policy(tmp_path, {"Down": actions, "Slow": {"action": "restart"}})
    for alert in ALERTS:
        write(tmp_path / f"alerting/runbooks/{alert}.md", alert)
    (tmp_path / "drills").mkdir()
    (tmp_path / "loadtests").mkdir()
    shutil.copy(ROOT / "loadtests/profiles.yml", tmp_path / "loadtests")
    return tmp_path


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content))


def write_policy(root: Path, entries: object) -> None:
    write(root / "alerting/policy.yml", {"alerts": entries})


@pytest.fixture
def reading(root: Path) -> Read:
    def run(text: str, alert: str = "Down") -> Drill:
        file = root / "drills" / f"{alert}.yml"
        file.write_text(text)
        return load_drill(file, root)

    return run


def test_minimal_drill_has_the_defaults(reading: Read) -> None:
    drill = reading(MINIMAL)
    assert drill.fault == FaultSpec(kind="errors", target="web", parameters={"probability": 0.5})
    assert drill.load == LoadSpec(shape="steady", users=24)
    assert drill.deadlines == Deadlines(detect=90.0, resolve=120.0)
    assert (drill.crossing, drill.backfill, drill.note) == (Crossing(), (), "")
    assert drill.expect == Expectation(labels={}, notified=True, heal="none")


@pytest.mark.parametrize(
    ("load", "users"), [("orders", 7), ("{shape: orders}", 7), ("{shape: orders, users: 60}", 60)]
)
def test_drill_may_have_another_flat_load(root: Path, reading: Read, load: str, users: int) -> None:
    profiles = root / "loadtests/profiles.yml"
    steady = yaml.safe_load(profiles.read_text())["steady"]
    write(profiles, {"orders": {**steady, "users": 7}})
    assert reading(f"{MINIMAL}load: {load}\n").load == LoadSpec(shape="orders", users=users)


FULL = """\
load: {shape: steady, users: 60}
expect:
  labels: {service: web, severity: page}
  notified: late
  heal: restart
crossing: {fastest: 4s, slowest: 6s, fixed_delay: 1500ms}
backfill:
  - {series: 'a:b{c="d"}', duration: 26h, offset: 1h, step: 1m, from: 20, to: 10}
  - {series: 'up{job="services"}', duration: 1h, step: 1m, from: 1, to: 0.5, relative: true}
note: It has to.
"""


def test_full_drill_is_loaded(reading: Read) -> None:
    drill = reading(MINIMAL.replace("resolve:", "heal: 10s, resolve:") + FULL)
    assert drill.load == LoadSpec(shape="steady", users=60)
    assert drill.expect.labels == {"service": "web", "severity": "page"}
    assert drill.expect.notified == "late"
    assert (drill.expect.heal, drill.deadlines.heal) == ("restart", 10)
    assert drill.crossing == Crossing(fastest=4, slowest=6, fixed_delay=1.5)
    assert drill.note == "It has to."
    assert drill.backfill == [
        SyntheticSeries(
            series='a:b{c="d"}',
            duration=26 * 3600,
            step=60,
            start_value=20,
            end_value=10,
            offset=3600,
        ),
        SyntheticSeries(
            series='up{job="services"}',
            duration=3600,
            step=60,
            start_value=1,
            end_value=0.5,
            relative=True,
        ),
    ]


@pytest.mark.parametrize("load", ["none", "{shape: none}"])
def test_drill_may_have_no_load(reading: Read, load: str) -> None:
    assert reading(f"{MINIMAL}load: {load}").load == NO_LOAD


@pytest.mark.parametrize(
    "target", ["web", "data-service", "web-1", "web-4", "data-service-4", "lb", "lb-1", "collector"]
)
def test_anything_can_be_stopped(reading: Read, target: str) -> None:
    drill = reading(MINIMAL.replace(FAULT, f"stop, target: {target}"))
    assert drill.fault == FaultSpec(kind="stop", target=target)


def test_every_is_read_in_seconds(reading: Read) -> None:
    drill = reading(MINIMAL.replace(FAULT, "kill, target: web, every: 1m"))
    assert drill.fault == FaultSpec(kind="kill", target="web", parameters={"every": 60.0})


@pytest.mark.parametrize("heal", ["none", "supervisor", *ACTIONS])
def test_heal_deadline_needs_an_action(reading: Read, heal: str) -> None:
    text = f"{MINIMAL}expect: {{heal: {heal}}}\n"
    with_deadline = text.replace("resolve:", "heal: 10s, resolve:")
    if heal in ACTIONS:
        assert reading(with_deadline).deadlines.heal == 10
        return
    assert (reading(text).expect.heal, reading(text).deadlines.heal) == (heal, None)
    with pytest.raises(InvalidDrillError, match=r":4: heal is .*: set expect.heal to restart or "):
        reading(with_deadline)


def test_scale_is_of_whole_service(reading: Read) -> None:
    text = MINIMAL.replace(
        "errors, target: web, probability: 0.5", "scale, target: web, instances: 3"
    )
    assert reading(text).fault == FaultSpec(kind="scale", target="web", parameters={"instances": 3})
    for wrong in ("target: web-1", "target: lb"):
        with pytest.raises(InvalidDrillError, match=rf"known targets are {OURS}\.$"):
            reading(text.replace("target: web", wrong))


def test_notified_can_name_another_alert(reading: Read) -> None:
    for name in ("Slow", "WatchdogMissing"):
        assert reading(f"{MINIMAL}expect: {{notified: {name}}}").expect.replacement_alert == name


# The line to replace, its replacement, and the end of the error.
MISTAKES = [
    (1, "alert: Other", ":1: the alert is 'Other', so the file must be Other.yml."),
    (1, "", ":2: alert is missing."),
    (2, "description: errors", ":2: description must be a sentence"),
    (2, "description: ", ":2: description must be a text."),
    (3, "fault: {target: web}", ":3: kind is missing."),
    (3, "fault: errors", ":3: fault must be a mapping, as in {name: value}."),
    (3, "fault: {kind: eror, target: web}", ":3: unknown fault kind 'eror': known"),
    (3, "fault: {kind: errors}", ":3: target is missing."),
    (3, "fault: {kind: errors, target: wep}", ":3: 'wep' is no target of errors: known"),
    (3, "fault: {kind: errors, target: web-5}", ":3: 'web-5' is no target of errors: known "),
    (3, "fault: {kind: errors, target: lb}", f"known targets are {OURS}, and instances such as"),
    (3, "fault: {kind: drop_targets, target: web}", ":3: 'web' is no target of drop_targets"),
    (3, "fault: {kind: errors, target: web, speed: 1}", ":3: speed is unknown: known keys are "),
    (3, "fault: {kind: errors, target: web, probability: half}", ":3: probability must be a numb"),
    (3, "fault: {kind: kill, target: web}", ":3: every is missing."),
    (3, "fault: {kind: kill, target: web, every: 5}", ":3: every is '5': use a duration"),
    (3, "fault: {kind: disk_fill, where: cellar}", ":3: where is 'cellar': use 'prometheus' or "),
    (3, "fault: {kind: kill, target: web, every: 0s}", ":3: every is '0s': it should be greater "),
    (3, "fault: {kind: errors, target: web, probability: 5}", ":3: probability is '5': it should"),
    (3, "fault: {kind: disk_fill, where: host, to: 50}", ":3: to is '50': it should be less than"),
    (3, "fault: {kind: scale, target: web, instances: 0}", ":3: instances is '0': it should be "),
    (3, "fault: {kind: scale, target: web, instances: 5}", ":3: instances is 5: web has 4 at most"),
    (
        *(3, "fault: {kind: memory_pressure, initial_available: 1, available: 0}"),
        ":3: available is '0': it should be greater than 0.",
    ),
    (3, "fault: {kind: stop_load, target: web}", ":3: target is unknown: known keys are kind."),
    (4, "deadlines: {detect: 9s}", ":4: resolve is missing."),
    (4, "deadlines: {resolve: 9s}", ":4: detect is missing."),
    (4, "deadlines: {detect: 0s, resolve: 9s}", ":4: detect is '0s': it should be greater than 0."),
    (4, "deadlines: {detect: 9s, resolve: 9}", ":4: resolve is '9': use a duration such as"),
    (4, "deadlines: {detect: 9s, resolve: 9s, heal: 9s}", ":4: heal is the deadline of an"),
    (4, "", ":1: deadlines is missing."),
    (5, "wihtin: {}", ":5: wihtin is unknown: known keys are alert, description, "),
    (5, "load: heavy", ":5: the load is 'heavy': use one with a constant number of"),
    (5, "load: spike", ":5: the load is 'spike': use one with a constant number of"),
    (5, "load: {shape: heavy}", ":5: the load is 'heavy': use one with a constant number of"),
    (5, "load: {users: 5}", ":5: shape is missing."),
    (5, "load: {shape: steady, users: 0}", ":5: users is '0': it should be greater than"),
    (5, "load: {shape: steady, users: 501}", ":5: users is '501': it should be less than"),
    (5, "expect: {notified: never}", ":5: notified is 'never': it must be true, late"),
    (5, "expect: {heal: magic}", ":5: heal is 'magic': use 'none', 'supervisor', 'restart', "),
    (5, "expect: {heal: restart}", ":4: heal is missing: it is the deadline of the action."),
    (5, "expect: {affects: [lb]}", ":5: affects has 'lb': known services are web, "),
    (5, "expect: {notified: false}", ":5: notified is 'false': it must be true, late"),
    (3, "fault: {kind: errors, target: web, parameters: {}}", ":3: parameters is unknown: "),
    (5, "crossing: {slowest: long}", ":5: slowest is 'long': use a duration such as"),
    (5, "crossing: {before: 1}", ":5: before needs during, the level with the fault."),
    (5, "crossing: {fastest: 2s, slowest: 1s}", ":5: fastest must be at most slowest."),
    (5, "crossing: {during: 1, slowest: 1s}", ":5: the rule gives fastest and slowest: use them"),
    (5, "crossing: {during: 0}", ":5: during is 0, as before the fault: use another level."),
    (5, "backfill: [{duration: 1h}]", ":5: series is missing."),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text", "error"), MISTAKES)
def test_mistake_is_an_error_with_its_line(reading: Read, line: int, text: str, error: str) -> None:
    lines = [*MINIMAL.splitlines(), ""]
    lines[line - 1] = text
    with pytest.raises(InvalidDrillError) as refused:
        reading("\n".join(lines) + "\n")
    message = str(refused.value)
    assert message.startswith("drills/Down.yml:")
    assert error in message
    assert message.endswith(".")
    assert "\n" not in message


SERIES = "  - {series: up, duration: 1h, step: 1m, from: 1, to: 2}"


@pytest.mark.parametrize(
    ("part", "other", "error"),
    [
        ("step: 1m", "step: 0s", ":6: step must be more than 0 and at most the duration."),
        ("step: 1m", "step: 2h", ":6: step must be more than 0 and at most the duration."),
        ("series: up", "series: sum(up)", ":6: series is 'sum(up)': it must be a name with"),
        ("series: up", "series: '{a=\"b\"}'", ":6: series is '{a=\"b\"}': it must be a name"),
        ("from: 1", "from: low", ":6: from must be a number."),
        ("duration: 1h", "duration: ever", ":6: duration is 'ever': use a duration"),
        ("to: 2", "to: 2, at: 1h", ":6: at is unknown: known keys are series, duration, step, "),
        ("to: 2", "to: 2, relative: maybe", ":6: relative must be true or false."),
    ],
)
def test_invalid_backfill_is_an_error(reading: Read, part: str, other: str, error: str) -> None:
    assert reading(f"{MINIMAL}backfill:\n{SERIES}\n").backfill
    with pytest.raises(InvalidDrillError) as refused:
        reading(f"{MINIMAL}backfill:\n{SERIES.replace(part, other)}\n")
    assert f"drills/Down.yml{error}" in str(refused.value)


def test_relative_backfill_accepts_any_selector(reading: Read) -> None:
    past = SERIES.replace("series: up", "series: '{__name__=\"up\"}', relative: true")
    assert reading(f"{MINIMAL}backfill:\n{past}\n").backfill[0].relative


# The rest of the alert's chain

HEALING = MINIMAL.replace("resolve:", "heal: 9s, resolve:") + "expect: {heal: restart}\n"


@pytest.mark.parametrize("alert", ALERTS)
def test_policy_may_have_one_entry_or_several(reading: Read, alert: str) -> None:
    assert reading(HEALING.replace("Down", alert), alert).expect.heal == "restart"


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        (
            {"Down": [{"action": "none"}, {"action": "scale_in"}]},
            ":5: heal is 'restart', but alerting/policy.yml has none and scale_in for Down.",
        ),
        ({}, ":5: heal is 'restart', but alerting/policy.yml has no entry for Down."),
    ],
)
def test_policy_must_have_the_action(
    reading: Read, root: Path, entries: object, error: str
) -> None:
    write_policy(root, entries)
    with pytest.raises(InvalidDrillError) as refused:
        reading(HEALING)
    assert str(refused.value) == f"drills/Down.yml{error}"


def test_alert_must_have_a_rule_and_a_runbook(reading: Read, root: Path) -> None:
    with pytest.raises(InvalidDrillError, match=r":1: no alert 'New' in prometheus/rules or loki"):
        reading(MINIMAL.replace("Down", "New"), "New")
    (root / "alerting/runbooks/Down.md").unlink()
    with pytest.raises(InvalidDrillError) as refused:
        reading(MINIMAL)
    missing = "there is no runbook alerting/runbooks/Down.md: write it."
    assert str(refused.value) == f"drills/Down.yml:1: {missing}"


@pytest.mark.parametrize("text", ["alerts: [", "", "alerts: {Down: {}}", "alerts: [Down]"])
def test_unreadable_policy_is_named(reading: Read, root: Path, text: str) -> None:
    (root / "alerting/policy.yml").write_text(text)
    with pytest.raises(AlertdrillError, match=r"policy\.yml: cannot read the policy: "):
        reading(MINIMAL)


def test_each_bad_file_has_one_error(root: Path) -> None:
    (root / "drills/Down.yml").write_text(MINIMAL)
    (root / "drills/Slow.yml").write_text("alert: Slow")
    (root / "drills/Stem.yml").write_text(MINIMAL)
    catalogue = load_all(root)
    assert list(catalogue.drills) == ["Down"]
    assert [error.split(" ")[0] for error in catalogue.errors] == [
        "drills/Slow.yml:1:",
        "drills/Stem.yml:1:",
    ]


def test_alert_without_drill_is_an_error(root: Path) -> None:
    (root / "drills/Slow.yml").write_text(MINIMAL.replace("Down", "Slow"))
    assert load_all(root).errors == ["drills/Down.yml:1: the alert Down has no drill: add one."]

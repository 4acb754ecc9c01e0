import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from alertdrill.clients.loki import Loki
from alertdrill.clients.prometheus import ActiveAlert, Prometheus, RuleState
from alertdrill.clients.responder import PerformedAction, ReceivedAlert
from alertdrill.drills.faults.registry import KINDS
from alertdrill.drills.model import Drill, DrillError, Expectation, FaultSpec, HealMode
from alertdrill.drills.probes import Probes, is_in_blast_radius
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import make_context, make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

PAGE = {"severity": "page"}


def received(alert: str = "Down", at: float = 50.0, **changed: Any) -> ReceivedAlert:
    values = {"status": "firing", "severity": "page", "labels": PAGE, "annotations": {}, **changed}
    return ReceivedAlert(alert, received_at=at, **values)


class Fakes:
    """Prometheus and the responder."""

    def __init__(self) -> None:
        self.active: list[ActiveAlert] = []
        self.loaded = True
        self.received: list[ReceivedAlert] = []
        self.requests: list[tuple[float, dict[str, str]]] = []
        self.performed: list[PerformedAction] = []
        # The services whose requests fail.
        self.failing: list[str] = []
        self.queries: list[str] = []

    def query(self, promql: str) -> list[dict[str, Any]]:
        self.queries.append(promql)
        return [{"metric": {"proxy": service}, "value": [0, "1"]} for service in self.failing]

    def rule(self, alert: str) -> RuleState | None:
        return RuleState("up", 0.0, "", self.active) if self.loaded else None

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        self.requests.append((since, filters))
        return self.received

    def actions(self, since: float) -> list[PerformedAction]:
        self.requests.append((since, {}))
        return self.performed


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


def make_probes(fakes: Any, runtime: Any, **drill: Any) -> Probes:
    context = make_context(runtime, runtime.folder, prometheus=fakes, responder=fakes, loki=None)
    probes = Probes(make_drill(**drill), context)
    probes.since = 40.0
    return probes


@pytest.fixture
def probes(fakes: Fakes, runtime: FakeRuntime) -> Probes:
    return make_probes(fakes, runtime)


def test_pending_is_the_earliest_alert(fakes: Fakes, probes: Probes) -> None:
    assert probes.reached_at("pending") is None
    fakes.active = [ActiveAlert("firing", PAGE, 45.0), ActiveAlert("pending", PAGE, 43.0)]
    assert probes.reached_at("pending") == 43.0
    fakes.loaded = False  # the rule is missing
    assert probes.reached_at("pending") is None


def test_pending_alert_does_not_fire(fakes: Fakes, probes: Probes) -> None:
    fakes.active = [ActiveAlert("pending", PAGE, 45.0)]
    assert probes.reached_at("firing") is None
    fakes.active.append(ActiveAlert("firing", PAGE, 45.0))
    assert probes.reached_at("firing")
    assert probes.severity == "page"


def test_other_labels_do_not_count(fakes: Fakes, probes: Probes) -> None:
    fakes.active = [ActiveAlert("firing", {"severity": "ticket"}, 45.0)]
    fakes.received = [
        received(labels={"severity": "ticket"}),
        received("Other"),
        received(status="resolved"),
    ]
    assert (
        probes.reached_at("pending"),
        probes.reached_at("firing"),
        probes.reached_at("notified"),
    ) == (None, None, None)


def test_notifications_count_since_the_fault(fakes: Fakes, probes: Probes) -> None:
    earlier = received(at=45.0, status="resolved")
    fakes.received = [
        earlier,
        received(at=50.0),
        received(at=60.0),
        received(at=70.0, status="resolved"),
    ]
    assert probes.reached_at("notified") == 50.0
    assert probes.reached_at("resolved") == 70.0
    assert fakes.requests[0] == (40.0, {"alert": "Down", "status": "firing"})


def test_runbook_link_must_answer(fakes: Fakes, probes: Probes, server: FakeServer) -> None:
    fakes.received = [received(annotations={"runbook_url": f"{server.url}/runbooks/Down"})]
    with pytest.raises(DrillError, match=r"runbook link answers 404: http"):
        probes.reached_at("notified")
    server.answers["/runbooks/Down"] = {}
    assert probes.reached_at("notified") == 50.0
    server.close()
    with pytest.raises(DrillError, match="link of the notification is dead"):
        probes.reached_at("notified")


def test_restart_replaces_every_process(fakes: Fakes, runtime: FakeRuntime) -> None:
    crash = FaultSpec(kind="crash", target="web")
    probes = make_probes(fakes, runtime, fault=crash, expect=Expectation(heal="supervisor"))
    runtime.running = [
        instance("web-1", pid=1),
        instance("web-2", pid=2),
        instance("web-3", pid=None, state="standby"),
    ]
    probes.snapshot_processes()
    assert probes.reached_at("healed") is None
    runtime.running[0] = instance("web-1", pid=11)
    assert probes.reached_at("healed") is None
    runtime.running[1] = instance("web-2", pid=22, state="starting")
    assert probes.reached_at("healed") is None
    runtime.running[1] = instance("web-2", pid=22)
    assert probes.reached_at("healed")


def performed(kind: str = "restart", target: str = "web-1", **changed: Any) -> PerformedAction:
    values = {"alert": "Down", "state": "done", "began": 50.0, "ended": 55.0, **changed}
    service = target.rstrip("0123456789").rstrip("-")
    return PerformedAction(kind=kind, service=service, target=target, **values)


def healing(fakes: Any, runtime: Any, heal: HealMode) -> Probes:
    probes = make_probes(fakes, runtime, expect=Expectation(heal=heal))
    probes.snapshot_processes()
    return probes


def test_restart_needs_action_and_new_process(fakes: Fakes, runtime: FakeRuntime) -> None:
    probes = healing(fakes, runtime, "restart")
    fakes.performed = [performed()]
    assert probes.reached_at("healed") is None  # the process did not change
    fakes.performed = []
    runtime.running[0] = instance("web-1", pid=11)
    assert probes.reached_at("healed") is None  # the responder did not act
    fakes.performed = [performed(alert="Other")]  # an action for another alert of the same fault
    assert probes.reached_at("healed") == 55.0
    assert fakes.requests[-1] == (40.0, {})


@pytest.mark.parametrize("heal", ["scale_out", "scale_in"])
def test_first_scaling_heals(fakes: Fakes, runtime: FakeRuntime, heal: HealMode) -> None:
    probes = healing(fakes, runtime, heal)
    assert probes.reached_at("healed") is None
    fakes.performed = [performed(heal, "web", alert="Other"), performed(heal, "web", ended=80.0)]
    assert probes.reached_at("healed") == 55.0


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "scale_in"},
        {"state": "running", "ended": None},
        {"state": "failed"},
        {"state": "cancelled"},
        {"dry_run": True},
    ],
)
def test_other_actions_heal_nothing(
    fakes: Fakes, runtime: FakeRuntime, other: dict[str, Any]
) -> None:
    fakes.performed = [performed(**{"kind": "scale_out", "target": "web", **other})]
    assert healing(fakes, runtime, "scale_out").reached_at("healed") is None


def test_action_outside_blast_radius_is_named(fakes: Fakes, probes: Probes) -> None:
    fakes.performed = [performed(), performed("scale_out", "web")]
    assert probes.check_blast_radius() == fakes.performed
    assert fakes.requests == [(40.0, {})]
    # A failed action counts, too.
    fakes.performed.append(performed(target="web-2", alert="Slow", state="failed"))
    with pytest.raises(DrillError) as error:
        probes.check_blast_radius()
    assert str(error.value) == (
        "The responder did restart of web-2 for Slow, which the fault (pause on web-1)"
        " does not affect."
    )


def test_missing_target_never_restarts(fakes: Fakes, runtime: FakeRuntime) -> None:
    crash = FaultSpec(kind="crash", target="gone")
    probes = make_probes(fakes, runtime, fault=crash, expect=Expectation(heal="supervisor"))
    probes.snapshot_processes()
    assert probes.reached_at("healed") is None


def test_fault_may_page_only_once(fakes: Fakes, probes: Probes) -> None:
    fakes.received = [received(), received(), received("Ticket", severity="ticket")]
    probes.check_single_page()
    assert fakes.requests[-1] == (40.0, {"status": "firing", "severity": "page"})
    fakes.received.append(received("Also"))
    with pytest.raises(DrillError, match=r"^One fault paged 2 times \(Also, Down\): let one inhi"):
        probes.check_single_page()


@pytest.mark.parametrize("allowed", ["any", "none"])
def test_failed_requests_are_reported_if_there_may_be_none(
    fakes: Fakes, runtime: FakeRuntime, allowed: Literal["any", "none"]
) -> None:
    probes = make_probes(fakes, runtime, expect=Expectation(failures=allowed))
    probes.since = time.time() - 90
    probes.check_failures()
    fakes.failing = ["web"]
    if allowed == "any":
        probes.check_failures()
        return
    with pytest.raises(DrillError, match=r"^Requests to web failed"):
        probes.check_failures()
    assert "[90s]" in fakes.queries[-1]  # since the fault began


def broken(kind: str, target: str = "", affects: Sequence[str] = ()) -> Drill:
    fault = FaultSpec(kind=kind, target=target)
    return make_drill(fault=fault, expect=Expectation(affects=affects))


DOWN = {"stop", "kill", "pause", "crash_loop", "hang", "crash", "unready", "memory"}


@pytest.mark.parametrize("kind", KINDS)
def test_restart_needs_a_fault_that_takes_down(kind: str) -> None:
    assert is_in_blast_radius(broken(kind, "web-2"), performed(target="web-2")) is (kind in DOWN)


@pytest.mark.parametrize("kind", sorted(DOWN))
@pytest.mark.parametrize("unaffected", ["web-1", "web-22", "data-service-2"])
def test_unaffected_instance_is_never_restarted(kind: str, unaffected: str) -> None:
    assert not is_in_blast_radius(broken(kind, "web-2"), performed(target=unaffected))


@pytest.mark.parametrize(("target", "allowed"), [("web-1", True), ("data-service-1", False)])
def test_fault_of_service_affects_each_instance(target: str, allowed: bool) -> None:
    assert is_in_blast_radius(broken("hang", "web"), performed(target=target)) is allowed


@pytest.mark.parametrize("action", ["scale_out", "scale_in"])
@pytest.mark.parametrize(
    ("target", "affects", "service", "allowed"),
    [
        ("web", [], "web", True),
        ("web-2", [], "web", True),
        ("data-service-1", [], "data-service", True),
        ("data-service", [], "web", False),
        # A client of a slow service waits for it with all its worker threads.
        ("data-service", ["web"], "web", True),
        ("web", [], "data-service", False),
        ("lb", [], "web", False),
    ],
)
def test_affected_service_may_be_scaled(
    action: str, target: str, affects: list[str], service: str, allowed: bool
) -> None:
    drill = broken("stop", target, affects)
    assert is_in_blast_radius(drill, performed(action, service)) is allowed
    assert not is_in_blast_radius(
        broken("errors", target, affects), performed(target=f"{service}-1")
    )


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.scope == "none"])
def test_fault_of_host_may_saturate_any_service(kind: str) -> None:
    assert is_in_blast_radius(broken(kind), performed("scale_out", "web"))
    assert not is_in_blast_radius(broken(kind), performed(target="web-1"))


# The queries of the runbook

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
rate({service="web"} | duration > 5s [5m])
```
```promql
sum(
  rate(a[5m]))
```
"""
SOME = {"data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]}}
NONE = {"data": {"resultType": "vector", "result": []}}
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(runtime: FakeRuntime, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setattr("alertdrill.drills.probes.ROOT", runtime.folder)
    file = runtime.folder / "alerting" / "runbooks" / "Down.md"
    file.parent.mkdir(parents=True)
    file.write_text(RUNBOOK)
    runtime.speed = 12.0

    def check_runbook(*, loki: bool = True, target: str = "web-1") -> tuple[int, str]:
        context = make_context(
            runtime,
            runtime.folder,
            prometheus=Prometheus(server.url),
            loki=Loki(server.url) if loki else None,
        )
        drill = make_drill(fault=FaultSpec(kind="stop", target=target))
        return Probes(drill, context).check_runbook(1000.0)

    return check_runbook


def test_every_runbook_query_runs_scaled(check: Check, server: FakeServer) -> None:
    server.answers = {"/api/v1/query": SOME, "/loki/api/v1/query_range": SOME}
    assert check() == (3, "")
    logs = 'rate({service="web"} | duration > 5s [25s])'
    assert [request.query for request in server.requests] == [
        {"query": "up == 0", "time": "1000.000"},
        {"query": logs, "start": "400.000", "end": "1000.000"},
        {"query": "sum(\n  rate(a[25s]))", "time": "1000.000"},
    ]


def test_only_logql_is_skipped_without_loki(check: Check, server: FakeServer) -> None:
    server.answers = {"/api/v1/query": SOME}
    skipped = (2, "LogQL, because Loki does not run")
    assert check(loki=False) == skipped
    assert check(target="loki") == skipped


def test_no_query_runs_while_prometheus_is_stopped(check: Check) -> None:
    assert check(target="prometheus") == (0, "the drill stops Prometheus")


@pytest.mark.parametrize("empty", ["/api/v1/query", "/loki/api/v1/query_range"])
def test_runbook_query_without_data_fails(check: Check, server: FakeServer, empty: str) -> None:
    server.answers = {"/api/v1/query": SOME, "/loki/api/v1/query_range": SOME, empty: NONE}
    with pytest.raises(DrillError, match=r"^Down\.md: the query `.*` returns no data"):
        check()


def test_rejected_runbook_query_fails(check: Check, server: FakeServer) -> None:
    server.answers = {"/api/v1/query": 400}
    with pytest.raises(DrillError, match=r"^Down\.md: the query `up == 0` fails: .* answers 400"):
        check()

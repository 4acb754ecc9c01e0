"""Probes of what a drill expects: in the rule evaluator, the responder and the runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..clients.http import UnreachableError, request
from ..clients.responder import PerformedAction, ReceivedAlert
from ..config import ROOT
from ..timescale.render import Language, scale
from .context import DrillContext
from .expression import runbook_queries
from .faults.registry import KINDS
from .model import Drill, DrillError

# The range of a LogQL query: the last minutes of a drill.
LOGQL_RANGE_S = 600.0
# The services whose requests failed within {window} seconds, at the load balancer. An increase
# above 0 is exact; the rates of prometheus/rules/sli.yml are not, for a single request.
FAILURES = """
sum by (proxy) (
  increase(haproxy_backend_http_responses_total{{code="5xx"}}[{window}s])
  + ignoring (code) increase(haproxy_backend_server_aborts_total[{window}s])
) > 0
"""


class Probes:
    """The probes of one drill.

    `since` is when the fault began: earlier alerts and actions do not count.
    """

    def __init__(self, drill: Drill, context: DrillContext) -> None:
        self._drill = drill
        self._context = context
        self._pids: Mapping[str, int | None] = {}
        self._notified_at = 0.0
        self.since = 0.0
        self.severity = ""

    def reached_at(self, phase: str) -> float | None:
        """Return when a phase was reached (seconds since 1970), None if not yet.

        For `notified`, raise `DrillError` if the notification's link is dead.
        """
        if phase == "healed":
            return self._healed_at()
        if phase == "notified":
            return self._notified()
        if phase == "resolved":
            # An earlier resolved notification ends an earlier firing.
            times = [alert.received_at for alert in self._received_alerts("resolved")]
            return next((at for at in times if at >= self._notified_at), None)
        rule = self._context.evaluator(self._drill.alert).rule(self._drill.alert)
        expects = self._drill.expect.matches
        alerts = [alert for alert in rule.alerts if expects(alert.labels)] if rule else []
        if phase == "pending":
            return min((alert.active_at for alert in alerts), default=None)
        for alert in alerts:
            if alert.state == "firing":
                self.severity = alert.labels.get("severity", "")
                return time.time()
        return None

    def _notified(self) -> float | None:
        first = next(iter(self._received_alerts("firing")), None)
        if first is None:
            return None
        self.severity = self.severity or first.severity
        link = first.annotations.get("runbook_url")
        try:
            if link is not None:  # the responder's own alerts have no runbook
                request("GET", self._context.runtime.resolve_url(link))
        except UnreachableError as error:
            if error.status is None:
                raise DrillError(f"The runbook link of the notification is dead: {link}") from error
            raise DrillError(f"The runbook link answers {error.status}: {link}") from error
        self._notified_at = first.received_at
        return first.received_at

    def _received_alerts(self, status: str) -> Sequence[ReceivedAlert]:
        name = self._drill.expect.replacement_alert or self._drill.alert
        received = self._context.responder.received_alerts(self.since, alert=name, status=status)
        return [
            alert
            for alert in received
            if (alert.alert, alert.status) == (name, status)
            and self._drill.expect.matches(alert.labels)
        ]

    def _healed_at(self) -> float | None:
        """Return when the supervisor restarted the target, or the responder's action was done.

        If one fault raises several alerts, the action may be for any of them: in containers, a
        stopped instance looks hung at first. `check_blast_radius` checks the action's target.
        """
        heal = self._drill.expect.heal
        if heal in ("supervisor", "restart"):
            # A ready process must replace each one of the snapshot.
            now = self._processes()
            replaced = [now.get(name) not in (None, pid) for name, pid in self._pids.items()]
            if not replaced or not all(replaced):
                return None
        if heal == "supervisor":
            return time.time()
        for action in self._context.responder.actions(self.since):
            if (action.kind, action.state) == (heal, "done") and not action.dry_run:
                return action.ended
        return None

    def snapshot_processes(self) -> None:
        """Store the processes of the target, to see which are replaced."""
        self._pids = self._processes()

    def _processes(self) -> Mapping[str, int | None]:
        target = self._drill.fault.target
        return {
            instance.name: instance.pid
            for instance in self._context.runtime.status()
            if target in (instance.name, instance.service) and instance.state == "ready"
        }

    def check_blast_radius(self) -> Sequence[PerformedAction]:
        """Return the responder's actions; raise `DrillError` if a target was not affected."""
        actions = self._context.responder.actions(self.since)
        for action in actions:
            if not is_in_blast_radius(self._drill, action):
                raise DrillError(
                    f"The responder did {action.kind} of {action.target} for {action.alert}, which"
                    f" the fault ({self._drill.fault}) does not affect."
                )
        return actions

    def check_failures(self) -> None:
        """Raise `DrillError` if a request has failed since the fault began, and none may."""
        if self._drill.expect.failures == "any":
            return
        window = max(1, round(time.time() - self.since))
        for sample in self._context.prometheus.query(FAILURES.format(window=window)):
            service = sample["metric"]["proxy"]
            raise DrillError(f"Requests to {service} failed, and the fault may not cause that.")

    def check_single_page(self) -> None:
        """Raise `DrillError` if the fault paged for more than one alert."""
        received = self._context.responder.received_alerts(
            self.since, status="firing", severity="page"
        )
        pages = sorted({alert.alert for alert in received if alert.severity == "page"})
        if len(pages) > 1:
            raise DrillError(
                f"One fault paged {len(pages)} times ({', '.join(pages)}):"
                " let one inhibit the others in alerting/alertmanager.yml."
            )

    def check_runbook(self, at: float) -> tuple[int, str]:
        """Check that every query of the runbook returns data as of a time (seconds since 1970).

        Return how many do, and why others are skipped: the fault stops their component. Raise
        `DrillError` for the first one that returns none.
        """
        target = self._drill.fault.target
        if target == "prometheus":
            return 0, "the drill stops Prometheus"
        runbook = ROOT / "alerting" / "runbooks" / f"{self._drill.alert}.md"
        count, skipped_reason = 0, ""
        for language, query in runbook_queries(runbook.read_text(encoding="utf-8")):
            if language == "logql" and (self._context.loki is None or target == "loki"):
                skipped_reason = "LogQL, because Loki does not run"
                continue
            try:
                rows = self._query(language, query, at)
            except UnreachableError as error:
                raise DrillError(f"{runbook.name}: the query `{query}` fails: {error}") from error
            if not rows:
                raise DrillError(
                    f"{runbook.name}: the query `{query}` returns no data during the fault."
                )
            count += 1
        return count, skipped_reason

    def _query(self, language: Language, query: str, at: float) -> Sequence[Any]:
        query = scale(query, self._context.runtime.speed, language)
        if language == "promql":
            return self._context.prometheus.query(query, at)
        loki = self._context.loki
        assert loki
        start, end = f"{at - LOGQL_RANGE_S:.3f}", f"{at:.3f}"
        path = f"{loki.query_path}/query_range"
        return list(loki.get(path, query=query, start=start, end=end)["data"]["result"])


def is_in_blast_radius(drill: Drill, action: PerformedAction) -> bool:
    """Return whether an action's target is one that the fault affects.

    A fault of the whole host may saturate any service, so any may be scaled. A restart is a mistake
    unless the fault takes an instance out of service.
    """
    fault = drill.fault
    service = fault.target.rstrip("0123456789").rstrip("-")
    if action.kind != "restart":
        affected = (service, *drill.expect.affects)
        return KINDS[fault.kind].scope == "none" or action.service in affected
    return KINDS[fault.kind].takes_down and fault.target in (action.target, action.service)

"""Look for what a drill expects: where its rule is, in the journal, in the runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import requests

from ..runtimes import Runtime
from . import touches
from .ask import Active, Evaluator
from .drill import Drill
from .errors import UnmetError
from .journal import Acted, Journal, Told
from .steps import TIMEOUT


class Witness:
    """Each look returns the moment (seconds since 1970) of what it saw, None if not yet.

    `since` is when the fault began: nothing before counts.
    """

    def __init__(
        self, drill: Drill, evaluator: Evaluator, journal: Journal, runtime: Runtime
    ) -> None:
        self._drill = drill
        self._evaluator = evaluator
        self._journal = journal
        self._runtime = runtime
        self._pids: Mapping[str, int | None] = {}
        self._told_at = 0.0
        self.since = 0.0
        self.severity = ""

    def pending(self) -> float | None:
        """See the alert become pending; it may fire already."""
        return min((alert.since for alert in self._active()), default=None)

    def firing(self) -> float | None:
        """See it fire."""
        found = [alert for alert in self._active() if alert.state == "firing"]
        if not found:
            return None
        self.severity = found[0].labels.get("severity", "")
        return time.time()

    def told(self) -> float | None:
        """See its notification in the journal; raise `UnmetError` if its link is dead."""
        found = self._told("firing")
        if not found:
            return None
        self.severity = self.severity or found[0].severity
        self._follow(found[0].annotations.get("runbook_url"))
        self._told_at = found[0].at
        return found[0].at

    def resolved(self) -> float | None:
        """See the notification that it is over."""
        # One from before it was told is the end of an earlier time that it fired.
        found = [one for one in self._told("resolved") if one.at >= self._told_at]
        return found[0].at if found else None

    def remember(self) -> None:
        """Remember the processes of the target, for `restarted`."""
        self._pids = self._processes()

    def restarted(self) -> float | None:
        """See every process of the target replaced by one that serves."""
        now = self._processes()
        back = [now.get(name) not in (None, pid) for name, pid in self._pids.items()]
        return time.time() if back and all(back) else None

    def healed(self) -> float | None:
        """See what was to heal it: the supervisor's restart, or the responder's action done.

        Of several alerts that one fault raises, any may have it healed: in containers a stopped
        instance is at first a hung one. `touched` says whether it was the right instance.
        """
        heal = self._drill.expect.heal
        if heal == "supervisor":
            return self.restarted()
        done = [
            one.ended
            for one in self._journal.actions(self.since)
            if (one.kind, one.state) == (heal, "done") and not one.dry_run
        ]
        if heal == "restart" and self.restarted() is None:
            return None
        return done[0] if done else None

    def touched(self) -> Sequence[Acted]:
        """Return what the responder did meanwhile; raise `UnmetError` if it touched a stranger."""
        acted = self._journal.actions(self.since)
        for one in acted:
            if not touches.may(self._drill.fault, one):
                raise UnmetError(
                    f"The responder did {one.kind} of {one.target} for {one.alert}, which the fault"
                    f" ({self._drill.fault}) did not strike."
                )
        return acted

    def one_page(self) -> None:
        """Raise `UnmetError` where the one fault woke somebody twice."""
        told = self._journal.told(self.since, status="firing", severity="page")
        pages = sorted({one.alert for one in told if one.severity == "page"})
        if len(pages) > 1:
            raise UnmetError(
                f"One fault paged {len(pages)} times ({', '.join(pages)}):"
                " let one inhibit the others in alerting/alertmanager.yml."
            )

    def _active(self) -> Sequence[Active]:
        rule = self._evaluator.rule(self._drill.alert)
        return [alert for alert in rule.alerts if self._fits(alert.labels)] if rule else []

    def _fits(self, labels: Mapping[str, str]) -> bool:
        return self._drill.expect.labels.items() <= labels.items()

    def _told(self, status: str) -> Sequence[Told]:
        name = self._drill.expect.instead or self._drill.alert
        return [
            one
            for one in self._journal.told(self.since, alert=name, status=status)
            if one.alert == name and one.status == status and self._fits(one.labels)
        ]

    def _processes(self) -> Mapping[str, int | None]:
        target = self._drill.fault.target
        return {
            one.name: one.pid
            for one in self._runtime.status()
            if target in (one.name, one.service) and one.state == "ready"
        }

    def _follow(self, link: str | None) -> None:
        if link is None:
            return  # the responder's own alerts have none
        try:
            answer = requests.get(self._runtime.reach(link), timeout=TIMEOUT)
        except requests.RequestException:
            raise UnmetError(f"The runbook's link in the notification is dead: {link}") from None
        if not answer.ok:
            raise UnmetError(f"The runbook's link answers {answer.status_code}: {link}")

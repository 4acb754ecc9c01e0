"""Turn by turn: look what fires, decide about each alert, and have done what was decided."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from ..errors import ControlError
from .current import Firing
from .decide import (
    APPROVED,
    BUDGET_EXHAUSTED,
    CONTROL_API_UNAVAILABLE,
    MANUAL,
    Decision,
    decide,
    rank,
)
from .deeds import Order
from .hands import Hands, Records
from .policy import Policy
from .wish import Wish
from .world import Instance, Service, Sick, World

Mode = Literal["on", "dry-run"]
# By how many instances each changes the scale: one at a time, so that each can show what it does.
STEPS = {"scale_out": 1, "scale_in": -1}
OVER = "its alert was over before it could be done"

log = logging.getLogger("healing")


class Healer:
    """Acts as the policy says; `turn` is called again and again, by one thread at a time."""

    def __init__(self, policy: Policy, records: Records, hands: Hands, mode: Mode = "on") -> None:
        self._policy = policy
        self._records = records
        self._hands = hands
        self._mode = mode
        # The last decision about each alert, so that the same one is told once.
        self._said: dict[str, tuple[float, str]] = {}

    def turn(self, now: datetime) -> None:
        """Decide about everything that fires; raise `JournalError` if the journal fails."""
        self._close_circuit_in_time(now)
        firing = self._confirmed(self._records.current.firing())
        self._end_what_is_over(firing, now)
        self._go_on(firing, now)
        wishes = [(self._policy.wish(each.sick.alert, each.sick.labels), each) for each in firing]
        left_alone = [
            (each, Decision("none", "", MANUAL, wish.reason))
            for wish, each in wishes
            if wish.action == "none"
        ]
        self._tell(left_alone, now)
        if wanted := [(wish, each) for wish, each in wishes if wish.action != "none"]:
            self._decide(wanted, now)
        self._hands.gauges.show(self._world(now, ((), {})), self._policy.limits)

    def look_around(self, now: datetime) -> None:
        """Take up what nobody told of, and show how the services scale, also while nothing fires.

        Raises `JournalError` if the journal fails.
        """
        self._take_up_untold(now)
        try:
            _, services = self._hands.eyes.look()
        except ControlError as error:
            log.debug("The instances can't be seen: %s", error)
            return
        self._hands.gauges.scales(services)

    # What fires

    def _confirmed(self, firing: Sequence[Firing]) -> list[Firing]:
        """Return what fires still, with why nobody may be touched for it where that is so."""
        if not any(self._wants(each) for each in firing):
            return list(firing)
        known = self._hands.alertmanager.holds()
        if known is None:
            return [replace(each, sick=self._excused(each, confirmed=False)) for each in firing]
        over = [each.fingerprint for each in firing if each.fingerprint not in known]
        if over:
            self._records.current.lose(over)
        return [
            replace(each, sick=self._excused(each, silenced=known[each.fingerprint].silenced))
            for each in firing
            if each.fingerprint in known
        ]

    def _take_up_untold(self, now: datetime) -> None:
        """Take up what Alertmanager has held for a while and not told of.

        It does not tell again, until `repeat_interval` is over, of what it believes to have told
        before: after a restart, for example, with the notification log of a while ago.
        """
        told = {each.fingerprint for each in self._records.current.firing()}
        untold = [
            held
            for held in (self._hands.alertmanager.holds() or {}).values()
            if held.tells
            and held.fingerprint not in told
            and (now - held.starts_at).total_seconds() >= self._policy.limits.staleness
        ]
        if untold and (taken := self._records.current.take_up(untold, now)):
            names = ", ".join(sorted({held.name for held in taken}))
            log.warning("Alertmanager holds %s and has not told of it: it is taken up.", names)

    def _wants(self, each: Firing) -> bool:
        return self._policy.wish(each.sick.alert, each.sick.labels).action != "none"

    def _excused(self, each: Firing, *, confirmed: bool = True, silenced: bool = False) -> Sick:
        excuse = self._policy.excuse(each.sick.labels)
        if each.taken_over:
            excuse = "a human has cancelled what was done about it"
        if silenced:
            excuse = "somebody has silenced it"
        return replace(each.sick, confirmed=confirmed, excuse=excuse)

    def _end_what_is_over(self, firing: Iterable[Firing], now: datetime) -> None:
        prints = {each.fingerprint for each in firing}
        for item in self._records.deeds.mark_resolved(prints, now):
            log.info("%s is over after action %d.", item["alert"], item["id"])
        self._said = {print_: said for print_, said in self._said.items() if print_ in prints}

    def _go_on(self, firing: Iterable[Firing], now: datetime) -> None:
        """Go on with what a restart of ours has cut off, unless its alert is over."""
        prints = {each.fingerprint for each in firing}
        for deed in self._records.deeds.running():
            if self._hands.performer.runs(deed):
                continue
            if deed.fingerprint in prints and deed.state == "running":
                self._hands.performer.take_up(deed)
            elif self._records.deeds.end(deed.id, "cancelled", OVER, now):
                self._hands.witness.on_action_finished(deed, "cancelled", OVER)

    def _close_circuit_in_time(self, now: datetime) -> None:
        since = self._records.controls.since("circuit_open")
        window = self._policy.limits.window
        if (
            since is not None
            and now.timestamp() - since >= window
            and self._records.controls.close_circuit(now)
        ):
            log.info("The circuit is closed: nothing was done for %.0f min.", window / 60)

    # What is done

    def _decide(self, wanted: Sequence[tuple[Wish, Firing]], now: datetime) -> None:
        try:
            seen = self._hands.eyes.look()
        except ControlError as error:
            blind = Decision(
                "none", "", CONTROL_API_UNAVAILABLE, f"the instances can't be seen: {error}"
            )
            self._tell([(each, blind) for _, each in wanted], now)
            return
        self._hands.gauges.scales(seen[1])
        world = seen_world = self._world(now, seen)
        told: list[tuple[Firing, Decision]] = []
        for wish, each in sorted(wanted, key=lambda item: rank(item[1].sick, seen_world)):
            decision = decide(wish, each.sick, world, self._policy.limits)
            if decision.code == APPROVED:
                self._act(wish, each, decision, world)
            else:
                told.append((each, decision))
            if decision.code == BUDGET_EXHAUSTED and self._records.controls.set(
                "circuit_open", now
            ):
                log.error("The circuit is open: %s.", decision.reason)
            if decision.code in (APPROVED, BUDGET_EXHAUSTED):
                world = self._world(now, seen)
        self._tell(told, now)

    def _act(self, wish: Wish, each: Firing, decision: Decision, world: World) -> None:
        scale = world.services[each.sick.service].scale if decision.action in STEPS else 0
        order = Order(
            instances=scale + STEPS[decision.action] if decision.action in STEPS else None,
            grace_period=wish.grace_period,
            dry_run=self._mode == "dry-run",
        )
        now = datetime.fromtimestamp(world.now, UTC)
        deed = self._records.deeds.begin(each.fingerprint, each.sick, decision, order, now)
        self._said.pop(each.fingerprint, None)
        self._hands.witness.on_decision(each.sick, decision)
        if not order.dry_run:
            self._hands.performer.take_up(deed)

    def _tell(self, told: Iterable[tuple[Firing, Decision]], now: datetime) -> None:
        """Journal and tell each decision to do nothing that differs from the last one."""
        fresh = [
            (each, decision)
            for each, decision in told
            if self._said.get(each.fingerprint) != (each.sick.since, decision.code)
        ]
        if not fresh:
            return
        self._records.deeds.record_skipped(
            [(each.fingerprint, each.sick, decision) for each, decision in fresh], now
        )
        for each, decision in fresh:
            self._said[each.fingerprint] = (each.sick.since, decision.code)
            self._hands.witness.on_decision(each.sick, decision)

    def _world(
        self, now: datetime, seen: tuple[Sequence[Instance], Mapping[str, Service]]
    ) -> World:
        moment, controls = now.timestamp(), self._records.controls
        return World(
            now=moment,
            instances=seen[0],
            services=seen[1],
            done=self._records.deeds.since(moment - self._policy.limits.window),
            paused=controls.since("paused") is not None,
            counted_from=controls.since("budget_reset") or 0.0,
            circuit_open=controls.since("circuit_open"),
        )

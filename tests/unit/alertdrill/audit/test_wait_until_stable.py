from collections.abc import Sequence

import pytest

from alertdrill.audit import wait_until_stable as module
from alertdrill.audit.compare import CountSource
from alertdrill.audit.wait_until_stable import (
    STABLE_S,
    TIMEOUT_S,
    UNCHANGED_TIMEOUT_S,
    wait_until_stable,
)
from alertdrill.errors import AlertdrillError
from tests.unit.alertdrill.drills.fakes import FakeClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(module, "time", made)
    return made


class Looks:
    """Sources with a number of ten requests for each poll; the last number stays."""

    def __init__(self, *counts: int | AlertdrillError) -> None:
        self.counts = list(counts)
        self.error: list[str] = []

    def __call__(self) -> Sequence[CountSource]:
        count = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        if isinstance(count, AlertdrillError):
            raise count
        return [CountSource("files: web", 10, count)]

    def settle(self) -> Sequence[CountSource]:
        return wait_until_stable(self, self.error.append)


def test_agreement_must_last(clock: FakeClock) -> None:
    begun = clock.now
    assert Looks(10).settle()[0].exact
    assert STABLE_S <= clock.now - begun < UNCHANGED_TIMEOUT_S


def test_late_double_is_still_seen(clock: FakeClock) -> None:
    assert Looks(10, 10, 10, 11).settle()[0].difference == 1


def test_slow_party_is_awaited(clock: FakeClock) -> None:
    looks = Looks(7, 8, 9, 10)
    assert looks.settle()[0].exact
    assert looks.error[0] == "waiting for files: web -3"
    assert len(looks.error) == 4


def test_loss_ends_the_wait(clock: FakeClock) -> None:
    begun = clock.now
    assert Looks(9).settle()[0].difference == -1
    assert UNCHANGED_TIMEOUT_S <= clock.now - begun < UNCHANGED_TIMEOUT_S + 5


def test_wait_is_bounded(clock: FakeClock) -> None:
    begun = clock.now
    Looks(*range(100_000)).settle()
    assert TIMEOUT_S <= clock.now - begun < TIMEOUT_S + 5


def test_party_that_comes_back_is_heard(clock: FakeClock) -> None:
    assert Looks(AlertdrillError("Away."), 10).settle()[0].exact


def test_party_that_stays_away_is_an_error(clock: FakeClock) -> None:
    with pytest.raises(AlertdrillError, match=r"^Away\.$"):
        Looks(AlertdrillError("Away.")).settle()

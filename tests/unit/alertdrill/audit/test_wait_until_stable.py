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
    fake_clock = FakeClock()
    monkeypatch.setattr(module, "time", fake_clock)
    return fake_clock


class CountReadings:
    """Sources with a number of ten requests for each poll; the last number stays."""

    def __init__(self, *counts: int | AlertdrillError) -> None:
        self.counts = list(counts)
        self.messages: list[str] = []

    def __call__(self) -> Sequence[CountSource]:
        count = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        if isinstance(count, AlertdrillError):
            raise count
        return [CountSource("files: web", 10, count)]

    def wait(self) -> Sequence[CountSource]:
        return wait_until_stable(self, self.messages.append)


def test_equal_counts_must_stay_equal_for_a_while(clock: FakeClock) -> None:
    started = clock.now
    assert CountReadings(10).wait()[0].exact
    assert STABLE_S <= clock.now - started < UNCHANGED_TIMEOUT_S


def test_late_duplicate_is_a_difference(clock: FakeClock) -> None:
    assert CountReadings(10, 10, 10, 11).wait()[0].difference == 1


def test_slow_source_is_awaited(clock: FakeClock) -> None:
    readings = CountReadings(7, 8, 9, 10)
    assert readings.wait()[0].exact
    assert readings.messages[0] == "waiting for files: web -3"
    assert len(readings.messages) == 4


def test_unchanged_difference_ends_the_wait(clock: FakeClock) -> None:
    started = clock.now
    assert CountReadings(9).wait()[0].difference == -1
    assert UNCHANGED_TIMEOUT_S <= clock.now - started < UNCHANGED_TIMEOUT_S + 5


def test_wait_ends_at_the_timeout(clock: FakeClock) -> None:
    started = clock.now
    CountReadings(*range(100_000)).wait()
    assert TIMEOUT_S <= clock.now - started < TIMEOUT_S + 5


def test_source_that_answers_again_is_counted(clock: FakeClock) -> None:
    assert CountReadings(AlertdrillError("Away."), 10).wait()[0].exact


def test_source_that_never_answers_is_an_error(clock: FakeClock) -> None:
    with pytest.raises(AlertdrillError, match=r"^Away\.$"):
        CountReadings(AlertdrillError("Away.")).wait()

from __future__ import annotations

import signal

import pytest

from alertdrill.terminating import terminating


def test_sigterm_interrupts() -> None:
    with pytest.raises(KeyboardInterrupt), terminating():
        signal.raise_signal(signal.SIGTERM)


def test_sigterm_is_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with terminating():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before

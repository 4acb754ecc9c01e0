"""A run against a server that answers every input, with a runtime that has no lines."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alertdrill.audit.client import AuditError
from alertdrill.audit.hostile import run
from alertdrill.audit.hostile.inputs import Input
from alertdrill.audit.hostile.report import HostileReport
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.audit.hostile.samples import an_input
from tests.unit.alertdrill.drills.fakes import make_context
from tests.unit.alertdrill.fake_runtime import FakeRuntime

INPUTS = 20


class FakeGenerator:
    """Makes the first `count` inputs; all are good requests."""

    def __init__(self, *_: object, count: int = INPUTS) -> None:
        self._count = count

    def make(self, number: int) -> Input:
        if number >= self._count:
            raise IndexError("no such input")
        return an_input(number, data=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.fixture
def url(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> str:
    peer.answer = lambda: Answer(headers={"X-Request-Id": "a"})
    monkeypatch.setattr(run, "Generator", FakeGenerator)
    monkeypatch.setattr(run.HostileAudit, "_quiet_counts", lambda _: {})
    monkeypatch.setattr(run.HostileAudit, "counters", lambda _: [])
    return peer.url


def run_hostile(url: str, folder: Path) -> HostileReport:
    runtime = FakeRuntime(folder)
    runtime.urls["lb"] = url
    context: Any = make_context(runtime, folder)
    return run.run_hostile(context, inputs=INPUTS, seed=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_inputs_that_are_not_sent_are_an_error(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "Generator", partial(FakeGenerator, count=15))
    with pytest.raises(AuditError, match="only 15 of 20 inputs were sent"):
        run_hostile(url, tmp_path)


def test_rate_is_that_of_sending(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, waited = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock() + waited[0])
    monkeypatch.setattr(
        run.HostileAudit, "_wait_for_lines", lambda _: waited.__setitem__(0, 1000.0)
    )
    report = run_hostile(url, tmp_path)
    assert report.offenders == []
    assert report.rate > 0.1

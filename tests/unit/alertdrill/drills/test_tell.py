from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from alertdrill.drills.outcome import PHASES, Outcome, Verdict
from alertdrill.drills.tell import Results, document
from alerting.responder.drill_journal import parse
from tests.unit.alertdrill.drills.api import Api
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime, instance


def outcome(verdict: Any = "passed", reason: str = "") -> Outcome:
    return Outcome(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1763917200.25,
        ended=1763917220.0,
        times={"pending": 1.5, "firing": 3.0, "resolved": -0.001},
        limits=dict.fromkeys(PHASES, 5.0),
    )


@pytest.fixture
def runtime(tmp_path: Path, api: Api) -> Any:
    made = FakeRuntime(tmp_path)
    made.found = [instance("responder-1")]
    made.urls["responder"] = api.url
    api.answers["/drills"] = {}
    return made


def test_drill_is_told_with_token(runtime: Any, api: Api) -> None:
    progress = FakeProgress()
    Results(runtime, progress).tell(outcome(), 12)
    [asked] = api.asked
    assert (asked.method, asked.path, asked.token) == ("POST", "/drills", "the-responders-token")
    assert json.loads(asked.body) == document(outcome(), 12)
    assert progress.seen == []


def test_responder_takes_what_is_told() -> None:
    found = parse(json.dumps(document(outcome("failed", "It hung."), 1.5)).encode())
    assert (found.alert, found.verdict, found.reason) == ("InstanceHung", "failed", "It hung.")
    assert found.speed == 1.5
    assert found.began.timestamp() == 1763917200.25
    assert found.times == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}


@pytest.mark.parametrize("verdict", [one for one in get_args(Verdict) if one != "skipped"])
def test_responder_knows_every_verdict(verdict: Verdict) -> None:
    told = json.dumps(document(outcome(verdict), 12)).encode()
    assert parse(told).verdict == verdict


def test_stack_that_is_down_is_not_told(runtime: Any, api: Api) -> None:
    runtime.found = []
    progress = FakeProgress()
    Results(runtime, progress).tell(outcome(), 12)
    assert (api.asked, progress.seen) == ([], [])


def test_skipped_drill_is_not_told(runtime: Any, api: Api) -> None:
    Results(runtime, FakeProgress()).tell(outcome("skipped"), 12)
    assert api.asked == []


def test_refusal_is_told_once_and_tried_again(runtime: Any, api: Api) -> None:
    api.answers["/drills"] = 503
    progress = FakeProgress()
    results = Results(runtime, progress)
    for _ in range(3):
        results.tell(outcome(), 12)
    [(kind, said)] = progress.seen
    assert kind == "note"
    assert str(said).startswith("The responder took no word of a drill: http")
    assert len(api.asked) == 3

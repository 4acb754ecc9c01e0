import json
from collections import Counter
from pathlib import Path

from alertdrill.audit.hostile.inputs import read_inputs
from alertdrill.audit.hostile.report import (
    HostileReport,
    Offender,
    as_json,
    junit,
    offending_inputs,
    problem_lines,
    summary,
)
from alertdrill.audit.report import CountSource

from .samples import an_input

OFFENDER = Offender("response 500", an_input(data=b"GET /\x00 HTTP/1.1\r\n\r\n"))


def a_hostile_report(*offenders: Offender, counted: int = 3) -> HostileReport:
    return HostileReport(
        began=1_700_000_000.0,
        ended=1_700_000_090.0,
        runtime="native",
        stack="an ephemeral stack",
        seed=7,
        inputs=3,
        rate=250.0,
        statuses={"described": Counter({200: 2, 0: 1})},
        counters=[CountSource("counter of public", 3, counted)],
        offenders=offenders,
    )


def test_report_without_offenders_is_exact() -> None:
    report = a_hostile_report()
    assert report.exact
    assert summary(report) == "3 inputs of seed 7, 250 per second, 2 responses: all explained."
    assert "<failure" not in junit(report)


def test_offender_is_printed_with_its_bytes() -> None:
    report = a_hostile_report(OFFENDER)
    assert not report.exact
    assert problem_lines(report) == [
        r"input 5 (described): response 500: b'GET /\x00 HTTP/1.1\r\n\r\n'"
    ]
    assert "response 500" in junit(report)
    [offender] = json.loads(as_json(report))["offenders"]
    assert (offender["reason"], offender["number"]) == ("response 500", 5)


def test_counter_that_differs_is_not_exact() -> None:
    report = a_hostile_report(counted=2)
    assert not report.exact
    assert problem_lines(report) == ["counter of public is off by -1"]


def test_file_of_offenders_repeats_them(tmp_path: Path) -> None:
    file = tmp_path / "inputs.jsonl"
    file.write_text(offending_inputs(a_hostile_report(OFFENDER, OFFENDER, Offender("unknown"))))
    assert read_inputs(file) == [OFFENDER.input]


def test_screen_shows_the_first_offenders() -> None:
    report = a_hostile_report(*[OFFENDER] * 30)
    assert len(problem_lines(report)) == 21
    assert problem_lines(report)[-1] == "and 10 more, in report.json"

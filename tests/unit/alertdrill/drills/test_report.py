from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.drills.model import DrillError
from alertdrill.drills.report import failed_alerts, healed_by, to_html, write
from alertdrill.drills.result import Chart, DrillResult, IdealTime

from .results import ABORTED, BEGAN, FAILED, HEALED, PASSED, SKIPPED, report_of


def page_of(*results: DrillResult, **fields: Any) -> str:
    return to_html(report_of(*results, **fields))


def text_of(page: str) -> str:
    """Return the text of a page, with a line for each element."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<[^>]*>", "\n", page))


class Nesting(HTMLParser):
    """A parser that checks that elements are closed and collects tags, links and ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        self.open += [] if tag == "meta" else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_needs_no_other_file() -> None:
    page = page_of(PASSED, FAILED, ABORTED)
    nesting = Nesting(page)
    assert nesting.open == []
    assert nesting.tags.isdisjoint({"script", "link", "img", "iframe", "use", "image"})
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    links = {value for name, value in nesting.attributes if name == "href"}
    ids = [value for name, value in nesting.attributes if name == "id"]
    assert links == {"#WebHighErrorRate", "#HighLatency", "#NoTraffic"}
    assert links <= {f"#{name}" for name in ids}
    assert len(ids) == len(set(ids))


def test_reason_is_escaped() -> None:
    page = page_of(FAILED)
    assert "&lt;no&gt; data &amp;" in page
    assert "<no>" not in page


def test_verdicts_are_signs_and_words() -> None:
    page = page_of(PASSED, FAILED, ABORTED)
    for sign, word in (("✓", "passed"), ("✗", "failed"), ("■", "aborted")):
        assert f'<span class="sign" aria-hidden="true">{sign}</span> {word}' in page


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([], "No drill was run."),
        ([PASSED], "The drill passed."),
        ([PASSED, PASSED], "All 2 drills passed."),
        ([FAILED], "The drill did not pass."),
        ([FAILED, ABORTED], "None of 2 drills passed."),
        ([PASSED, FAILED, ABORTED], "2 of 3 drills did not pass."),
        ([PASSED, SKIPPED, FAILED], "1 of 2 drills did not pass. 1 drill was skipped."),
        ([PASSED, SKIPPED, SKIPPED], "The drill passed. 2 drills were skipped."),
    ],
)
def test_heading_is_the_verdict(results: list[DrillResult], sentence: str) -> None:
    assert f"<h1>{sentence}</h1>" in page_of(*results)


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (1, "1, the real durations"),
        (12, "12: every duration of rules and routes is divided by 12"),
    ],
)
def test_header_shows_the_run(speed: float, text: str) -> None:
    shown = text_of(page_of(PASSED, speed=speed))
    for fact in (
        f"Speed\n{text}",
        "Began\n1 January 2026, 00:00:00 UTC",
        "Took\n1 min 35 s",
        "Runtime\nnative",
        "Stack\nan ephemeral stack",
        "An earlier run was cut off.",
    ):
        assert f"\n{fact}\n" in shown


def test_tiles_summarize_the_run() -> None:
    text = text_of(page_of(PASSED, replace(FAILED, times={"firing": 10}), ABORTED, SKIPPED))
    for tile in (
        "Passed\n1\nof 4 drills",
        "Did not pass\n2\n1 failed, 1 aborted, 1 skipped",
        "Median ratio\n1.60\u00d7\ntime to firing over the expected ideal time",
        "Worst ratio\n2.00\u00d7\nHighLatency",
    ):
        assert f"\n{tile}\n" in text
    assert "Median ratio" not in page_of(ABORTED)
    assert "\nDid not pass\n0\nnothing to fix\n" in text_of(page_of(PASSED))


def test_failed_drills_come_first_and_are_open() -> None:
    page = page_of(PASSED, SKIPPED, PASSED, FAILED, ABORTED)
    assert re.findall(r"<details( open)?>.*?<h3>(\w+)", page, re.DOTALL) == [
        (" open", "HighLatency"),
        (" open", "NoTraffic"),
        (" open", "LogsMissing"),
        ("", "WebHighErrorRate"),
        ("", "WebHighErrorRate"),
    ]
    assert page_of(PASSED, PASSED, PASSED, PASSED).count("<details open>") == 4


def test_verdict_other_than_passed_is_explained() -> None:
    page = page_of(ABORTED, SKIPPED, replace(PASSED, verdict="deviated"))
    for text in ("no fault was injected", "lacks a component", "the steady state did not return"):
        assert text in page


def phases_of(result: DrillResult) -> list[str]:
    rows = re.findall(r'<li><span class="label">(.*)</li>', page_of(result))
    return [" ".join(re.sub(r"<[^>]*>", "", row).split()) for row in rows]


def test_phases_have_their_bounds() -> None:
    assert phases_of(HEALED) == [
        "pending 2.0 s",
        "firing 6.0 s ideally 4.0 to 6.0 s",
        "notified 7.5 s ideally 5.0 to 7.0 s, limit 15.0 s",
        "healed 9.0 s limit 41.0 s",
        "resolved 5.0 s limit 20.0 s, since the healing",
    ]
    assert phases_of(FAILED)[1:] == [
        "notified \u2013 ideally 5.0 to 7.0 s, limit 15.0 s",
        "resolved \u2013 limit 20.0 s",
    ]


@pytest.mark.parametrize(("slowest", "slow"), [(3.0, False), (2.9, True), (None, False)])
def test_over_twice_the_slowest_ideal_time_is_slow(slowest: float | None, slow: bool) -> None:
    ideal = {} if slowest is None else {"firing": IdealTime(1.0, 2.0, slowest)}
    page = page_of(replace(PASSED, ideal=ideal, note="The window is long."))
    assert ("over twice the slowest ideal time" in page) is ("ratio slow" in page) is slow
    assert "The window is long." in page


def test_ideal_times_are_beside_the_measured_one() -> None:
    page = page_of(PASSED)
    for cell in ("Firing", "6.0"), ("Ideal", "4.0 / 5.0 / 6.0"), ("Ratio", "1.20\u00d7"):
        assert 'data-label="{}">{}<'.format(*cell) in page


@pytest.mark.parametrize(
    ("queries", "skipped_reason", "text"),
    [
        (3, "", "3 queries returned data during the fault."),
        (1, "", "1 query returned data during the fault."),
        (2, "Loki is away", "2 queries returned data during the fault. Skipped: Loki is away."),
    ],
)
def test_runbook_queries_are_counted(queries: int, skipped_reason: str, text: str) -> None:
    page = page_of(replace(PASSED, queries=queries, queries_skipped=skipped_reason))
    assert f"<dt>Runbook</dt><dd>{text}</dd>" in page
    assert "Runbook" not in page_of(replace(PASSED, queries=0))


def test_charts_are_for_wide_and_narrow_screens_if_there_was_a_fault() -> None:
    page = page_of(PASSED)
    assert (page.count("chart wide"), page.count("chart narrow")) == (1, 1)
    assert "<figure>" not in page_of(ABORTED)
    assert "Prometheus did not answer" in page_of(replace(PASSED, chart=None))
    assert "returned nothing" in page_of(replace(PASSED, chart=Chart("absent(up)")))


@pytest.mark.parametrize(
    ("instances", "legend"),
    [([1, 2], ["instance=web-1", "instance=web-2"]), ([1], ["instance=web-1, service=web"])],
)
def test_legend_distinguishes_the_lines(instances: list[int], legend: list[str]) -> None:
    lines = [Line({"service": "web", "instance": f"web-{n}"}, [(BEGAN, 1)]) for n in instances]
    page = page_of(replace(PASSED, chart=Chart("a", values=lines)))
    assert re.findall(r'class="line c\d".*?</svg> (.*?)</li>', page) == legend


RESTART = ["restart of web-2"]
TIMES = {"firing": 6.0, "healed": 9.0}


@pytest.mark.parametrize(
    ("heal", "times", "actions", "text"),
    [
        ("none", {}, [], ""),
        ("restart", TIMES, RESTART, "the responder: restart of web-2"),
        ("supervisor", TIMES, [], "its supervisor; the responder did nothing"),
        ("supervisor", TIMES, RESTART, "its supervisor; the responder did restart of web-2"),
        ("restart", {}, [], "none; the responder did nothing"),
        ("restart", {}, RESTART, "none; the responder did restart of web-2"),
        # Without success, several times.
        ("none", {}, RESTART * 8, "none; the responder did restart of web-2 \u00d78"),
    ],
)
def test_healer_and_actions_are_named(
    heal: str, times: dict[str, float], actions: list[str], text: str
) -> None:
    result = replace(PASSED, heal=heal, times=times, actions=actions)
    assert healed_by(result) == text
    assert ("Healed by" in page_of(result)) is bool(text)
    assert healed_by(replace(result, injected=None)) == ""


def test_several_actions_are_counted() -> None:
    assert healed_by(HEALED) == "the responder: scale_out of web \u00d72, scale_in of web"


def test_json_has_every_field(tmp_path: Path) -> None:
    page = write(report_of(PASSED, FAILED, HEALED), tmp_path / "runs" / "1")
    document = json.loads((page.parent / "report.json").read_text())
    assert (document["passed"], document["speed"], document["runtime"]) == (False, 12, "native")
    passed, failed, healed = document["results"]
    assert (passed["ratio"], failed["verdict"]) == (1.2, "failed")
    assert passed["ideal"]["firing"] == {"fastest": 4, "expected": 5, "slowest": 6}
    assert passed["chart"]["values"][0]["labels"] == {"service": "web"}
    assert passed["chart"]["values"][0]["points"][0] == [BEGAN, 0]
    assert (healed["heal"], healed["recovered_at"], healed["times"]["healed"]) == (
        "scale_out",
        BEGAN + 19,
        9,
    )
    assert healed["actions"] == HEALED.actions


def test_missing_sample_is_null_in_json(tmp_path: Path) -> None:
    chart = Chart("a", values=[Line({}, [(BEGAN, math.nan)])])
    page = write(report_of(replace(PASSED, chart=chart)), tmp_path)
    [result] = json.loads((page.parent / "report.json").read_text())["results"]
    assert result["chart"]["values"][0]["points"] == [[BEGAN, None]]


def test_junit_has_a_case_for_each_drill(tmp_path: Path) -> None:
    write(report_of(PASSED, HEALED, FAILED, ABORTED, SKIPPED), tmp_path)
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]
    counts = {name: suite.get(name) for name in ("name", "failures", "skipped", "time")}
    assert counts == {"name": "drills", "failures": "2", "skipped": "1", "time": "95.000"}
    passed, healed, failed, aborted, skipped = suite
    assert passed.attrib == {
        "classname": "drills.page", "name": "WebHighErrorRate", "time": "30.000"
    }  # fmt: skip
    assert "firing 6.0 s" in (passed.findtext("system-out") or "")
    assert "Healed" not in (passed.findtext("system-out") or "")
    assert "healed 9.0 s, resolved 5.0 s. Healed by the responder: scale_out of web" in (
        healed.findtext("system-out") or ""
    )
    assert [case.find("failure") is None for case in suite] == [True, True, False, False, True]
    assert "Half of web's requests fail. It did not" in (failed.findtext("failure") or "")
    assert aborted[0].attrib == {"type": "aborted", "message": "There was no steady state."}
    assert skipped[0].attrib == {"message": "There is no loki."}


def test_inconclusive_drill_is_a_failure_of_its_own_type(tmp_path: Path) -> None:
    result = replace(FAILED, verdict="inconclusive", reason="This machine is too busy: x.")
    write(report_of(PASSED, result), tmp_path)
    [case] = ET.parse(tmp_path / "junit.xml").getroot()[0].findall("testcase[failure]")
    assert case[0].attrib == {"type": "inconclusive", "message": "This machine is too busy: x."}
    page = (tmp_path / "index.html").read_text()
    assert "This says nothing about the alert" in page
    assert failed_alerts(write_verdicts(tmp_path, "1", Busy="inconclusive").parents[2]) == ["Busy"]


def test_run_is_inconclusive_if_nothing_else_failed() -> None:
    busy = replace(FAILED, verdict="inconclusive")
    assert report_of(PASSED, busy, SKIPPED).inconclusive
    assert not report_of(busy).passed
    assert not report_of(busy, FAILED).inconclusive
    assert not report_of(PASSED).inconclusive


def write_verdicts(home: Path, run: str, **verdicts: str) -> Path:
    file = home / "drills" / run / "report.json"
    file.parent.mkdir(parents=True)
    results = [{"alert": alert, "verdict": verdict} for alert, verdict in verdicts.items()]
    file.write_text(json.dumps({"results": results}))
    return file


def test_newest_report_has_the_failed_alerts(tmp_path: Path) -> None:
    write_verdicts(tmp_path, "2026-01-02T03-04-05", Old="failed")
    verdicts = {"Down": "failed", "Up": "passed", "Late": "deviated", "Off": "aborted"}
    write_verdicts(tmp_path, "2026-01-02T03-04-06", **verdicts, Out="skipped")
    (tmp_path / "drills" / "2026-01-02T03-04-07").mkdir()  # a run that was cut off
    assert failed_alerts(tmp_path) == ["Down", "Late", "Off"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^No report of an earlier run"),
        ('{"results": [{"alert": "Up", "verdict": "passed"}]}', r"nothing to run again"),
        ('{"results": [{"alert": "Out", "verdict": "skipped"}]}', r"nothing to run again"),
        *(
            (text, r"is not a readable report: run the drills without --last-failed")
            for text in ("", "[]", "{}", '{"results": [{}]}', '{"results": [1]}')
        ),
    ],
)
def test_report_without_failed_alerts_is_an_error(
    tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        write_verdicts(tmp_path, "2026-01-02T03-04-05").write_text(text)
    with pytest.raises(DrillError, match=message):
        failed_alerts(tmp_path)

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alertdrill.drills.report.files import write
from alertdrill.drills.report.html import to_html, verdict
from alertdrill.drills.result import DrillResult, IdealTime, Report

from .conftest import Make

VOID = {"meta"}


class Nesting(HTMLParser):
    """A parser that checks that elements are closed and collects tags, links and ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.add(tag)
        self.links |= {attributes["href"] or ""} if "href" in attributes else set()
        self.ids += [attributes["id"] or ""] if "id" in attributes else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(report: Report) -> str:
    return to_html(report)


def test_page_needs_no_other_file(page: str) -> None:
    nesting = Nesting(page)
    assert nesting.tags.isdisjoint({"script", "link", "img", "iframe", "use", "image"})
    assert not re.search(r"https?:|@import|url\((?!#)", page)


def test_elements_are_closed_and_links_have_targets(page: str) -> None:
    nesting = Nesting(page)
    assert nesting.open == []
    assert nesting.links == {"#WebHighErrorRate", "#HighLatency", "#NoTraffic"}
    assert nesting.links <= {f"#{name}" for name in nesting.ids}
    assert len(nesting.ids) == len(set(nesting.ids))


def test_reason_is_escaped(page: str) -> None:
    assert "&lt;no&gt; data &amp;" in page
    assert "<no>" not in page


def test_verdicts_are_signs_and_words(page: str) -> None:
    for sign, word in (("✓", "passed"), ("✗", "failed"), ("■", "aborted")):
        assert f'<span class="sign" aria-hidden="true">{sign}</span> {word}' in page


def test_header_shows_stack_and_speed(page: str) -> None:
    for words in ("2 of 3 drills did not pass.", "1 min 35 s", "native", "an ephemeral stack"):
        assert words in page
    assert "divided by 12" in page
    assert "An earlier run was cut off." in page


def test_chart_shows_the_events(page: str) -> None:
    for words in ("fault on", "firing 6.0 s", "fault off 10.0 s", "resolved +8.0 s"):
        assert f">{words}</text>" in page
    assert "seconds since the fault began" in page


def test_healing_is_marked_and_named(report: Report, healed: DrillResult) -> None:
    html = to_html(replace(report, results=[healed]))
    assert '<g class="event healed"><path d="M ' in html
    assert ">healed 9.0 s</text>" in html
    assert "<dt>Healed by</dt><dd>the responder: scale_out of web \u00d72, scale_in" in html


def test_drill_without_healing_shows_none(page: str) -> None:
    assert "Healed by" not in page
    assert "mark healed" not in page


def test_slow_drill_shows_its_note(report: Report, drill: Make) -> None:
    slow = drill(ideal={"firing": IdealTime(1.0, 2.0, 2.9)}, note="The window is long.")
    html = to_html(replace(report, results=[slow]))
    assert "over twice the slowest ideal time.</strong> The window is long." in html


def test_missing_chart_is_explained(report: Report, drill: Make) -> None:
    html = to_html(replace(report, results=[drill(chart=None)]))
    assert "Prometheus did not answer" in html


def test_run_without_drills_is_a_page(report: Report) -> None:
    assert "No drill was run." in to_html(replace(report, results=[]))


def test_run_without_failures_has_nothing_to_fix(report: Report, drill: Make) -> None:
    results: list[DrillResult] = [drill()]
    assert "nothing to fix" in to_html(replace(report, results=results))


def test_three_reports_are_written(report: Report, tmp_path: Path) -> None:
    page = write(report, tmp_path / "runs" / "1")
    assert page.name == "index.html"
    assert {file.name for file in page.parent.iterdir()} == {
        "index.html",
        "junit.xml",
        "report.json",
    }


def test_verdict_is_a_sentence(report: Report, failed: DrillResult, drill: Make) -> None:
    def of(*results: DrillResult) -> str:
        return verdict(replace(report, results=results))

    assert of() == "No drill was run."
    assert of(drill()) == "The drill passed."
    assert of(drill(), drill()) == "All 2 drills passed."
    assert of(failed) == "The drill did not pass."
    assert of(failed, failed) == "None of 2 drills passed."
    assert of(drill(), failed) == "1 of 2 drills did not pass."


def text_of(page: str) -> str:
    """Return the text of a page, with a line for each element."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<[^>]*>", "\n", page))


def show(report: Report, *results: DrillResult) -> str:
    return to_html(replace(report, results=results))


def test_skipped_drills_are_counted_apart(
    report: Report, failed: DrillResult, skipped: DrillResult, drill: Make
) -> None:
    page = show(report, drill(), skipped, failed)
    assert "<h1>1 of 2 drills did not pass. 1 drill was skipped.</h1>" in page
    assert re.findall(r'<details open>\s+<summary>\s+<span class="verdict (\w+)"', page) == [
        "failed",
        "skipped",
        "passed",
    ]
    assert "\nDid not pass\n1\n1 failed, 1 skipped\n" in text_of(page)
    assert "lacks a component" in page


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (1, "1, the real durations"),
        (12, "12: every duration of rules and routes is divided by 12"),
    ],
)
def test_speed_is_stated(report: Report, speed: float, text: str) -> None:
    assert f"<dt>Speed</dt><dd>{text}</dd>" in to_html(replace(report, speed=speed))


def test_tiles_summarize_the_run(report: Report, aborted: DrillResult) -> None:
    text = text_of(to_html(report))
    for tile in (
        "Passed\n1\nof 3 drills",
        "Did not pass\n2\n1 failed, 1 aborted",
        "Median ratio\n1.20\u00d7\ntime to firing over the expected ideal time",
        "Worst ratio\n1.20\u00d7\nWebHighErrorRate",
    ):
        assert f"\n{tile}\n" in text
    assert "Median ratio" not in show(report, aborted)


def test_failed_drills_come_first_and_are_open(report: Report, drill: Make) -> None:
    sections = re.findall(
        r"<details( open)?>.*?<h3>(\w+)", show(report, drill(), drill(), *report.results), re.DOTALL
    )
    assert sections[:3] == [(" open", "HighLatency"), (" open", "NoTraffic"), ("", sections[2][1])]


def test_few_drills_are_all_open(report: Report) -> None:
    assert to_html(report).count("<details open>") == 3


def phases_of(page: str) -> list[str]:
    rows = re.findall(r'<li><span class="label">(.*)</li>', page)
    return [" ".join(re.sub(r"<[^>]*>", "", row).split()) for row in rows]


def test_phases_have_their_bounds(report: Report, drill: Make) -> None:
    assert phases_of(show(report, drill())) == [
        "pending 2.0 s",
        "firing 6.0 s ideally 4.0 to 6.0 s",
        "notified 7.5 s ideally 5.0 to 7.0 s, limit 15.0 s",
        "resolved 8.0 s limit 20.0 s",
    ]
    missing = drill(times={"pending": 2.0})
    assert phases_of(show(report, missing))[1:] == [
        "notified \u2013 ideally 5.0 to 7.0 s, limit 15.0 s",
        "resolved \u2013 limit 20.0 s",
    ]


def test_healing_is_a_phase(report: Report, healed: DrillResult) -> None:
    assert phases_of(show(report, healed))[-2:] == [
        "healed 9.0 s limit 41.0 s",
        "resolved 5.0 s limit 20.0 s, since the healing",
    ]


@pytest.mark.parametrize(("slowest", "slow"), [(3.0, False), (2.9, True), (None, False)])
def test_over_twice_the_slowest_ideal_time_is_slow(
    report: Report, drill: Make, slowest: float | None, slow: bool
) -> None:
    ideal = {} if slowest is None else {"firing": IdealTime(1.0, 2.0, slowest)}
    page = show(report, drill(ideal=ideal))
    assert ("over twice the slowest" in page) is ("ratio slow" in page) is slow


def test_ideal_times_are_beside_the_measured_one(report: Report, drill: Make) -> None:
    page = show(report, drill())
    assert 'data-label="Ideal">4.0 / 5.0 / 6.0<' in page
    assert 'data-label="Ratio">1.20\u00d7<' in page


@pytest.mark.parametrize(
    ("queries", "skipped_reason", "text"),
    [
        (3, "", "3 queries returned data during the fault."),
        (1, "", "1 query returned data during the fault."),
        (2, "Loki is away", "2 queries returned data during the fault. Skipped: Loki is away."),
    ],
)
def test_runbook_queries_are_counted(
    report: Report, drill: Make, queries: int, skipped_reason: str, text: str
) -> None:
    page = show(report, drill(queries=queries, queries_skipped=skipped_reason))
    assert f"<dt>Runbook</dt><dd>{text}</dd>" in page
    assert "Runbook" not in show(report, drill(queries=0))


def test_drill_without_fault_has_no_chart(report: Report, aborted: DrillResult) -> None:
    assert "<figure>" not in show(report, aborted)

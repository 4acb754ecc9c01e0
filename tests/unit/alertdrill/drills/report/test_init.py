from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alertdrill.drills.report import to_html, write
from alertdrill.drills.result import DrillResult, Report

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
    assert re.search(r'<path class="mark healed" d="M[\d.]+ \d+V', html)
    assert ">healed 9.0 s</text>" in html
    assert "<dt>Healed by</dt><dd>the responder: scale_out of web \u00d72, scale_in" in html


def test_drill_without_healing_shows_none(page: str) -> None:
    assert "Healed by" not in page
    assert "mark healed" not in page


@pytest.mark.parametrize("backfilled", [True, False])
def test_synthetic_samples_are_marked(report: Report, drill: Make, backfilled: bool) -> None:
    html = to_html(replace(report, results=[drill(backfilled=backfilled)]))
    assert (">synthetic samples</text>" in html) is backfilled


def test_slow_drill_shows_its_note(report: Report, drill: Make) -> None:
    slow = drill(minimum_firing=2.0, note="The window is long.")
    html = to_html(replace(report, results=[slow]))
    assert "over twice the minimum time.</strong> The window is long." in html


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

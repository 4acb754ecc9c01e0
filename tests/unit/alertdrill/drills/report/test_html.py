from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from alertdrill.drills.report.html import to_html
from alertdrill.drills.result import DrillResult, Report

from .conftest import Make

VOID = {"meta"}


class Nesting(HTMLParser):
    """Checks that what is opened is closed, and collects tags, links and ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.links |= {found["href"] or ""} if "href" in found else set()
        self.ids += [found["id"] or ""] if "id" in found else []
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


def test_page_needs_nothing_else(page: str) -> None:
    found = Nesting(page)
    assert found.tags.isdisjoint({"script", "link", "img", "iframe", "use", "image"})
    assert not re.search(r"https?:|@import|url\((?!#)", page)


def test_elements_are_closed_and_links_lead_somewhere(page: str) -> None:
    found = Nesting(page)
    assert found.open == []
    assert found.links == {"#WebHighErrorRate", "#HighLatency", "#NoTraffic"}
    assert found.links <= {f"#{name}" for name in found.ids}
    assert len(found.ids) == len(set(found.ids))


def test_what_was_said_is_only_text(page: str) -> None:
    assert "&lt;no&gt; data &amp;" in page
    assert "<no>" not in page


def test_verdicts_are_signs_and_words(page: str) -> None:
    for sign, word in (("✓", "passed"), ("✗", "failed"), ("■", "aborted")):
        assert f'<span class="sign" aria-hidden="true">{sign}</span> {word}' in page


def test_header_says_where_and_how_fast(page: str) -> None:
    for words in ("2 of 3 drills did not pass.", "1 min 35 s", "native", "one of its own"):
        assert words in page
    assert "divided by 12" in page
    assert "An earlier run was cut off." in page


def test_chart_has_the_moments(page: str) -> None:
    for words in ("fault on", "firing 6.0 s", "fault off 10.0 s", "resolved +8.0 s"):
        assert f">{words}</text>" in page
    assert "seconds since the fault began" in page


def test_healing_is_marked_and_named(report: Report, healed: DrillResult) -> None:
    found = to_html(replace(report, results=[healed]))
    assert re.search(r'<path class="mark healed" d="M[\d.]+ \d+V', found)
    assert ">healed 9.0 s</text>" in found
    assert "<dt>Healed by</dt><dd>the responder: scale_out of web \u00d72, scale_in" in found


def test_nobody_heals_what_ends_itself(page: str) -> None:
    assert "Healed by" not in page
    assert "mark healed" not in page


@pytest.mark.parametrize("backfilled", [True, False])
def test_synthetic_samples_are_marked(report: Report, drill: Make, backfilled: bool) -> None:
    found = to_html(replace(report, results=[drill(backfilled=backfilled)]))
    assert (">synthetic samples</text>" in found) is backfilled


def test_slow_drill_shows_its_excuse(report: Report, drill: Make) -> None:
    slow = drill(minimum_firing=2.0, note="The window is long.")
    found = to_html(replace(report, results=[slow]))
    assert "over twice the minimum time.</strong> The window is long." in found


def test_chart_that_could_not_be_asked_for_is_told_of(report: Report, drill: Make) -> None:
    found = to_html(replace(report, results=[drill(chart=None)]))
    assert "Prometheus did not answer" in found


def test_run_without_drills_is_a_page(report: Report) -> None:
    assert "No drill was run." in to_html(replace(report, results=[]))


def test_all_passed_has_nothing_to_mend(report: Report, drill: Make) -> None:
    results: list[DrillResult] = [drill()]
    assert "nothing to fix" in to_html(replace(report, results=results))

from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.loads.count_check import (
    AccessLineCounter,
    Counts,
    check_counts,
    count_access_lines,
    query_counts,
)
from alertdrill.loads.locust_stats import RequestStats
from alertdrill.loads.measurements import TimeSpan
from tests.unit.alertdrill.loads.test_measurements import FakePrometheus

ACCESS = '{"logger":"access","path":"/process","status":200}'
SENT = {
    ("GET", "/"): RequestStats(5, 0, None),
    ("POST", "/process"): RequestStats(90, 0, None),
    ("GET", "/no-such-page (refused with 404)"): RequestStats(10, 0, None),
}


@pytest.mark.parametrize(
    ("counts", "passed"),
    [
        (Counts(100, 100, 100, 100), True),
        (Counts(100, 100, 100, None), True),
        (Counts(100, 101, 100, 100), True),  # a probe between two scrapes
        (Counts(100, 102, 100, 100), False),
        (Counts(100, 100, 99, 99), False),
        (Counts(100, 100, 101, 101), False),
        (Counts(100, 100, 100, 99), False),
        (Counts(100, 100, 97, 97, lb_answered=3), True),
        (Counts(100, 100, 96, 96, lb_answered=3), False),
        (Counts(100, 100, 102, 102, retried=2), True),
    ],
)
def test_counts_agree_within_the_tolerance(counts: Counts, passed: bool) -> None:
    assert check_counts(counts).passed is passed


def test_counts_of_every_source_are_shown() -> None:
    [sent, counted] = check_counts(Counts(1000, 1001, 997, 997, lb_answered=3)).values
    assert (sent, counted) == ("1,000", "lb 1,001, web 997, lines 997, answered by the lb 3")


def test_start_page_is_not_counted() -> None:
    prometheus = FakePrometheus(
        **{'url_rule="/"': 8, 'url_rule!="/"': 100, "frontend": 108, "server_": 108}
    )
    counts = query_counts(prometheus, TimeSpan(1000.0, 1060.0), SENT, None)
    assert counts == Counts(locust=100, lb=100, web=100, lines=None)


def test_only_access_lines_of_process_are_counted() -> None:
    counter = AccessLineCounter()
    for line in (ACCESS, ACCESS.replace("/process", "/"), '{"logger":"apps"}', "plain"):
        counter.count(line)
    assert counter.lines == 1


def test_counter_keeps_counting_until_it_is_closed() -> None:
    def follow(target: str, lines: int) -> Any:
        assert (target, lines) == ("web", 0)
        while True:
            yield [("web-1", ACCESS)]

    runtime: Any = SimpleNamespace(follow=follow)
    with count_access_lines(runtime) as counter:
        pass
    assert counter.lines > 0

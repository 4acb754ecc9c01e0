from __future__ import annotations

import time
from typing import Any

import pytest

from alertdrill.clients.prometheus import Prometheus
from alertdrill.drills.pipeline_delay import PipelineCounts, PipelineDelay, delay, read_counts
from tests.http_server import FakeServer

GROUP = '{rule_group="/etc/rules/host.yml;host"}'
# As Prometheus 3 writes them.
PAGE = f"""\
# TYPE prometheus_rule_group_interval_seconds gauge
prometheus_rule_group_interval_seconds{GROUP} 0.416
# TYPE prometheus_rule_group_iterations_missed_total counter
prometheus_rule_group_iterations_missed_total{GROUP} 3
# TYPE prometheus_rule_group_last_evaluation_timestamp_seconds gauge
prometheus_rule_group_last_evaluation_timestamp_seconds{GROUP} 1.75e+09
# TYPE prometheus_target_interval_length_seconds summary
prometheus_target_interval_length_seconds{{interval="417ms",quantile="0.99"}} 0.5
prometheus_target_interval_length_seconds_sum{{interval="417ms"}} 51
prometheus_target_interval_length_seconds_count{{interval="417ms"}} 100
"""
BEFORE = PipelineCounts(100.0, {"a": 2.0}, {"a": 5.0}, {"a": 98.0}, scraped=500.0, took=501.0)


@pytest.mark.parametrize(
    ("interval", "seconds"), [("417ms", 0.417), ("2.5s", 2.5), ("5s", 5), ("1m2.5s", 62.5)]
)
def test_interval_of_the_scrapes_has_the_format_of_go(
    server: FakeServer, interval: str, seconds: float
) -> None:
    server.answers["/metrics"] = PAGE.replace("417ms", interval).encode()
    prometheus = Prometheus(server.url)
    counts = read_counts(prometheus, prometheus)
    assert counts
    assert counts.scraped == pytest.approx(100 * seconds)


def test_counts_are_those_of_the_program(server: FakeServer) -> None:
    server.answers["/metrics"] = PAGE.encode()
    prometheus = Prometheus(server.url)
    counts = read_counts(prometheus, prometheus)
    assert counts
    assert abs(counts.at - time.time()) < 60
    assert (counts.missed, counts.interval) == ({"host": 3.0}, {"host": 0.416})
    assert counts.last == {"host": 1.75e9}
    assert [counts.scraped, counts.took] == pytest.approx([41.7, 51.0])


def test_unreachable_program_has_no_counts() -> None:
    prometheus = Prometheus("http://127.0.0.1:9")
    assert read_counts(prometheus, prometheus) is None


def later(**changed: Any) -> PipelineCounts:
    values: dict[str, Any] = {
        "at": 120.0, "missed": {"a": 2.0}, "last": {"a": 118.0}, "interval": {"a": 5.0},
        "scraped": 600.0, "took": 601.0,
    }  # fmt: skip
    return PipelineCounts(**{**values, **changed})


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        (later(), PipelineDelay(0.0, 0.0)),
        (later(missed={"a": 4.0}), PipelineDelay(0.0, 10.0)),
        # It should have been evaluated 7 s ago.
        (later(last={"a": 108.0}), PipelineDelay(0.0, 7.0)),
        # Half of the scrapes of 20 s.
        (later(took=701.0), PipelineDelay(10.0, 0.0)),
        # Prometheus was restarted.
        (later(missed={"a": 0.0}, scraped=10.0, took=10.0), PipelineDelay(0.0, 0.0)),
        (later(missed={"other": 9.0, "a": 2.0}), PipelineDelay(0.0, 0.0)),
    ],
)
def test_delay_is_what_was_missed(now: PipelineCounts, lost: PipelineDelay) -> None:
    assert delay(BEFORE, now, ["a"]) == lost


def test_alert_on_log_lines_needs_no_scrape() -> None:
    assert delay(BEFORE, later(took=701.0), ["a"], scraped=False) == PipelineDelay(0.0, 0.0)

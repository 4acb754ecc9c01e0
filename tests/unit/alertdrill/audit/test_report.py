import json
from xml.etree import ElementTree as ET

from rich.console import Console

from alertdrill.audit.client import Failure
from alertdrill.audit.compare import CountSource
from alertdrill.audit.report import (
    MAX_SHOWN,
    as_json,
    count_table,
    describe_differences,
    difference_lines,
    junit,
    summary,
)
from tests.unit.alertdrill.audit.conftest import a_report

LOST = CountSource("files: web", 3, 2, missing=["run-1"])
DOUBLED = CountSource("Loki: web", 3, 4, duplicated={"run-2": 2})


def test_one_difference_or_failure_makes_the_report_inexact() -> None:
    assert a_report().exact
    assert not a_report(LOST).exact
    assert not a_report(failures=[Failure("run-1", "503")]).exact


def test_json_has_every_id() -> None:
    report = json.loads(as_json(a_report(LOST, DOUBLED)))
    assert report["exact"] is False
    assert report["sources"][1]["missing"] == ["run-1"]
    assert report["sources"][1]["difference"] == -1
    assert report["sources"][2]["duplicated"] == {"run-2": 2}
    assert report["steps"][0] == {"step": "restart web", "after": 1, "seconds": 2.5}


def test_every_difference_names_its_source() -> None:
    unexpected_id = CountSource("files: lb", 3, 4, unexpected=["run-9"])
    low_count = CountSource("Prometheus: web", 3, 1)
    assert [
        line
        for source in (LOST, DOUBLED, unexpected_id, low_count)
        for line in describe_differences(source)
    ] == [
        "files: web misses run-1",
        "Loki: web has run-2 2 times",
        "files: lb has run-9, which was never sent",
        "Prometheus: web is off by -2",
    ]


def test_junit_has_one_case_per_source() -> None:
    [suite] = ET.fromstring(junit(a_report(LOST)))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "files: web misses run-1"


def test_table_has_the_difference_of_every_source() -> None:
    console = Console(width=120)
    with console.capture() as output:
        console.print(count_table(a_report(LOST)))
    rows = [line.split() for line in output.get().splitlines()]
    assert rows[1] == ["✓", "client:", "answered", "3", "0", "0", "0", "0"]
    assert rows[2] == ["✗", "files:", "web", "2", "-1", "1", "0", "0"]


def test_failed_request_is_listed_once() -> None:
    client = CountSource("client: answered", 3, 2, missing=["run-1"])
    report = a_report(sources=[client, LOST], failures=[Failure("run-1", "503")])
    assert difference_lines(report) == ["run-1 failed: 503", "files: web misses run-1"]


def test_long_list_refers_to_the_report_file() -> None:
    lost = CountSource("files: web", 30, 0, missing=[f"run-{number}" for number in range(30)])
    lines = difference_lines(a_report(lost))
    assert len(lines) == MAX_SHOWN + 1
    assert lines[-1] == "and 10 more, in report.json"


def test_summary_has_requests_restarts_and_retries() -> None:
    assert summary(a_report()) == (
        "3 requests through 1 restarts and 1 changes of scale:"
        " every source counted each of them once."
        " Retries of the load balancer: web 0, data-service 1."
    )
    assert "counts DIFFER" in summary(a_report(LOST))

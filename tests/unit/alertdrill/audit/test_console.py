from rich.console import Console

from alertdrill.audit.client import Failure
from alertdrill.audit.compare import CountSource
from alertdrill.audit.console import MAX_SHOWN, count_table, difference_lines, summary
from tests.unit.alertdrill.audit.conftest import a_report

LOST = CountSource("files: web", 3, 2, missing=["run-1"])


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

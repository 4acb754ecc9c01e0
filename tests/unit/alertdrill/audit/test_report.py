import json
from collections import Counter
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alertdrill.audit.client import Failure
from alertdrill.audit.report import (
    MAX_SHOWN,
    CountSource,
    as_json,
    compare_count,
    compare_ids,
    count_table,
    difference_lines,
    junit,
    summary,
)
from tests.unit.alertdrill.audit.conftest import a_report

SENT = [f"run-{number:03}" for number in range(40)]
LOST = CountSource("files: web", 3, 2, missing=["run-1"])
DOUBLED = CountSource("Loki: web", 3, 4, duplicated={"run-2": 2})
ids = st.sets(st.sampled_from(SENT))
times = st.dictionaries(st.sampled_from(SENT), st.integers(2, 5))


@given(lost=ids, duplicated=times, unexpected=st.sets(st.sampled_from(["run-900", "run-901"])))
def test_each_missing_duplicated_and_unexpected_id_is_listed(
    lost: set[str], duplicated: dict[str, int], unexpected: set[str]
) -> None:
    seen = {id_: count for id_, count in {**Counter(SENT), **duplicated}.items() if id_ not in lost}
    source = compare_ids("files", SENT, seen | dict.fromkeys(unexpected, 1), {})
    assert set(source.missing) == lost
    assert source.duplicated == {id_: seen[id_] for id_ in duplicated if id_ not in lost}
    assert set(source.unexpected) == unexpected
    assert source.exact is not bool(lost or set(duplicated) - lost or unexpected)


@given(retries=st.dictionaries(st.sampled_from(SENT), st.integers(1, 3)), seen=times)
def test_retry_explains_duplicates_of_its_own_request_only(
    retries: dict[str, int], seen: dict[str, int]
) -> None:
    source = compare_ids("files", SENT, {**dict.fromkeys(SENT, 1), **seen}, retries)
    assert set(source.duplicated) == {id_ for id_ in seen if seen[id_] - 1 > retries.get(id_, 0)}
    assert source.exact is not bool(source.duplicated)


def test_retry_does_not_explain_a_missing_request() -> None:
    source = compare_ids("files", SENT, Counter(SENT[1:]), {SENT[0]: 2})
    assert (source.missing, source.retried) == ([SENT[0]], 0)


def test_missing_and_duplicated_requests_do_not_cancel_out() -> None:
    source = compare_ids("files", SENT, Counter([*SENT[1:], SENT[1]]), {})
    assert source.difference == 0
    assert not source.exact


def test_count_may_exceed_the_requests_by_the_retries() -> None:
    assert compare_count("web", 40, 42, retries=2) == CountSource("web", 40, 42, retried=2)
    assert compare_count("web", 40, 40, retries=2).exact
    assert compare_count("web", 40, 43, retries=2).difference == 1
    assert compare_count("web", 40, 39, retries=2).difference == -1


def test_one_difference_or_failure_makes_the_report_inexact() -> None:
    assert a_report().exact
    assert not a_report(LOST).exact
    assert not a_report(failures=[Failure("run-1", "503")]).exact


def test_json_has_every_id() -> None:
    report = json.loads(as_json(a_report(LOST, DOUBLED)))
    assert report["exact"] is False
    assert report["sources"][1]["missing"] == ["run-1"]
    assert (report["sources"][1]["difference"], report["sources"][1]["exact"]) == (-1, False)
    assert report["sources"][2]["duplicated"] == {"run-2": 2}
    assert report["steps"][0] == {"step": "restart web", "after": 1, "seconds": 2.5}


def test_every_difference_names_its_source() -> None:
    unexpected_id = CountSource("files: lb", 3, 4, unexpected=["run-9"])
    low_count = CountSource("Prometheus: web", 3, 1)
    assert difference_lines(a_report(LOST, DOUBLED, unexpected_id, low_count)) == [
        "files: web misses run-1",
        "Loki: web has run-2 2 times",
        "files: lb has run-9, which was never sent",
        "Prometheus: web is off by -2",
    ]


def test_failed_request_is_listed_once() -> None:
    client = CountSource("client: answered", 3, 2, missing=["run-1"])
    report = a_report(sources=[client, LOST], failures=[Failure("run-1", "503")])
    assert difference_lines(report) == ["run-1 failed: 503", "files: web misses run-1"]


def test_long_list_refers_to_the_report_file() -> None:
    lost = CountSource("files: web", 30, 0, missing=[f"run-{number}" for number in range(30)])
    lines = difference_lines(a_report(lost))
    assert len(lines) == MAX_SHOWN + 1
    assert lines[-1] == "and 10 more, in report.json"


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


def test_summary_has_requests_restarts_and_retries() -> None:
    assert summary(a_report()) == (
        "3 requests through 1 restarts and 1 changes of scale:"
        " every source counted each of them once."
        " Retries of the load balancer: web 0, data-service 1."
    )
    assert "counts DIFFER" in summary(a_report(LOST))

import json
from xml.etree import ElementTree as ET

from alertdrill.audit.client import Failure
from alertdrill.audit.compare import CountSource
from alertdrill.audit.report import as_json, describe_differences, junit
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

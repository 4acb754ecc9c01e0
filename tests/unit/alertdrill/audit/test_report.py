import json
from xml.etree import ElementTree as ET

from alertdrill.audit.client import Failure
from alertdrill.audit.compare import CountSource
from alertdrill.audit.report import as_json, describe_differences, junit
from tests.unit.alertdrill.audit.conftest import a_report

LOST = CountSource("files: web", 3, 2, missing=["run-1"])
DOUBLED = CountSource("Loki: web", 3, 4, duplicated={"run-2": 2})


def test_one_bad_party_spoils_all() -> None:
    assert a_report().exact
    assert not a_report(LOST).exact
    assert not a_report(failures=[Failure("run-1", "503")]).exact


def test_json_has_every_id() -> None:
    found = json.loads(as_json(a_report(LOST, DOUBLED)))
    assert found["exact"] is False
    assert found["sources"][1]["missing"] == ["run-1"]
    assert found["sources"][1]["difference"] == -1
    assert found["sources"][2]["duplicated"] == {"run-2": 2}
    assert found["steps"][0] == {"step": "restart web", "after": 1, "seconds": 2.5}


def test_every_complaint_names_its_party() -> None:
    strange = CountSource("files: lb", 3, 4, unexpected=["run-9"])
    counted = CountSource("Prometheus: web", 3, 1)
    assert [
        line for one in (LOST, DOUBLED, strange, counted) for line in describe_differences(one)
    ] == [
        "files: web misses run-1",
        "Loki: web has run-2 2 times",
        "files: lb has run-9, which was never sent",
        "Prometheus: web is off by -2",
    ]


def test_junit_has_a_case_a_party() -> None:
    [suite] = ET.fromstring(junit(a_report(LOST)))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "files: web misses run-1"

from alertdrill.kill_matrix.result import FiredAlert
from alertdrill.kill_matrix.table import COLUMNS, cells, markdown, summaries, summary
from tests.unit.alertdrill.kill_matrix.samples import late, result

ALERT = FiredAlert(name="ServiceDown", severity="page", after=4.4)


def cell(column: str, **changed: object) -> str:
    return cells(result(**changed))[COLUMNS.index(column)]


def test_recovered_row() -> None:
    assert cells(result(alerts=[ALERT])) == (
        *("web", "1 of 2", "`kill -9`", "2.5 s", "1 of 25", "supervisord"),
        *("ServiceDown after 4 s", ""),
    )


def test_copies() -> None:
    assert cell("Copies", copies=2) == "all 2"
    assert cell("Copies", total=1) == "the only one"


def test_never_stands_only_where_nothing_is_left_that_heals() -> None:
    lost = {"verdict": "late", "seconds": None, "fault": "stop"}
    healer = {**lost, "component": "control"}
    assert cell("Recovery", **healer, copies=2) == "never: nothing is left that heals"
    assert cell("Recovery", **healer, copies=1) == "not within 60 s"
    assert cell("Recovery", **lost, copies=2) == "not within 60 s"


def test_row_that_does_not_recover_says_who_is_notified() -> None:
    lost = {"verdict": "late", "seconds": None}
    assert cell("Notified", **lost) == "none"
    assert cell("Notified", **lost, notified=["A (page)", "B (ticket)"]) == "A (page), B (ticket)"
    late_only = cell("Notified", **lost, notified_late=["A (page)"])
    assert late_only == "none; after the undo: A (page)"


def test_aborted_row_has_its_reason_and_no_counts() -> None:
    aborted = {"verdict": "aborted", "seconds": None, "reason": "web-1 is failed."}
    assert cell("Recovery", **aborted) == "not measured: web-1 is failed."
    assert cell("Lost", **aborted) == ""


def test_markdown_has_a_line_for_each_row() -> None:
    lines = markdown([result(recovered_by="a|b"), late()]).splitlines()
    assert len(lines) == 4
    assert "a\\|b" in lines[2]
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(COLUMNS) + 1}


def test_summaries_name_what_needs_attention() -> None:
    rows = [
        result(),
        late(notified=["ServiceDown (page)"]),
        late(),
        late(fault="pause", notified=["ServiceDown (page)"], reason="web-1 is paused."),
        result(verdict="aborted", seconds=None, reason="The proxy refuses."),
    ]
    assert list(summaries(rows)) == [
        "stop of control (all 2): no alert is delivered until you start it again.",
        "pause of control (all 2): not within 60 s: web-1 is paused; notified: ServiceDown (page).",
        "kill of web-1 (1 of 2): not measured: The proxy refuses.",
    ]


def test_summary_counts_every_row_once() -> None:
    rows = [result(), late(), late(fault="pause"), result(verdict="aborted", seconds=None)]
    assert summary(rows) == (
        "4 rows: 1 recovered, 1 left nothing that heals, 1 did not recover in time, 1 not measured."
    )

from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.kill_matrix.plan import Row
from alertdrill.kill_matrix.result import Results, find_recovered_by, read, write
from tests.unit.alertdrill.kill_matrix.samples import late, result, row

RESTART = ("restart", "web-1", "InstanceHung")


@pytest.mark.parametrize(
    ("actions", "replaced", "reconciled", "recovered_by"),
    [
        ([RESTART], True, False, "the responder (InstanceHung)"),
        ([("restart", "web-2", "InstanceHung")], True, False, "supervisord"),
        ([], True, False, "supervisord"),
        ([], True, True, "the control API's reconcile loop"),
        ([], False, False, "itself"),
    ],
)
def test_recovered_by_is_what_replaced_the_process(
    actions: list[tuple[str, str, str]], replaced: bool, reconciled: bool, recovered_by: str
) -> None:
    assert recovered_by == find_recovered_by(
        row(), runtime="native", actions=actions, replaced=replaced, reconciled=reconciled
    )


def test_control_api_recovers_the_supervisor() -> None:
    supervisor = Row("supervisord", "supervisord", "pause")
    recovered_by = find_recovered_by(
        supervisor, runtime="native", actions=[], replaced=True, reconciled=False
    )
    assert recovered_by == "the control API"


@pytest.mark.parametrize(
    ("runtime", "recovered_by"),
    [("native", "the control API"), ("compose", "the control API's reconcile loop")],
)
def test_stopped_component_is_started_by_the_control_api(runtime: str, recovered_by: str) -> None:
    stopped = Row("loki", "loki", "stop", instances=("loki-1",))
    assert recovered_by == find_recovered_by(
        stopped, runtime=runtime, actions=[], replaced=True, reconciled=False
    )


def test_frozen_container_is_restarted_by_the_reconcile_loop() -> None:
    frozen = Row("loki", "loki", "pause", instances=("loki-1",))
    recovered_by = find_recovered_by(
        frozen, runtime="compose", actions=[], replaced=True, reconciled=False
    )
    assert recovered_by == "the control API's reconcile loop"


def test_only_the_loss_of_every_copy_of_what_heals_excuses_a_row() -> None:
    assert late(component="control").took_healers
    assert not late(component="control", copies=1).took_healers
    assert not late(component="lb").took_healers
    assert not late(component="control", fault="kill").took_healers
    assert late(component="control", fault="kill", runtime="compose").took_healers


def test_newer_result_replaces_an_older_one() -> None:
    merged = Results(rows=(result(seconds=9.0),)).merge([result(seconds=2.0)])
    assert [row.seconds for row in merged.rows] == [2.0]


def test_aborted_row_replaces_no_measured_one() -> None:
    aborted = result(verdict="aborted", seconds=None)
    assert Results(rows=(result(),)).merge([aborted]).rows == (result(),)
    assert Results().merge([aborted]).rows == (aborted,)


def test_rows_of_a_component_stay_together() -> None:
    rows = (result(component="lb", target="lb"), result(target="web", copies=2), result())
    merged = Results(rows=rows).merge([result(fault="pause"), result(fault="stop")])
    assert [(row.target, row.fault) for row in merged.rows] == [
        ("lb", "kill"),
        ("web-1", "kill"),
        ("web-1", "stop"),
        ("web-1", "pause"),
        ("web", "kill"),
    ]


def test_file_keeps_every_field(tmp_path: Path) -> None:
    file = tmp_path / "home" / "kill-matrix.json"
    results = Results(rows=(result(), late(notified=["ServiceDown (page)"])))
    write(file, results)
    assert read(file) == results


def test_missing_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json").rows == ()


def test_invalid_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kill-matrix.json"
    file.write_text('{"rows": 3}')
    with pytest.raises(AlertdrillError, match=r"kill-matrix\.json is no kill matrix"):
        read(file)

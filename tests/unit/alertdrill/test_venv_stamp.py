from pathlib import Path

import pytest

from alertdrill.venv_stamp import Stamp, Step, next_step, read_stamp, write_stamp

CURRENT = Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "a", "alertdrill.txt": "b"})


@pytest.mark.parametrize(
    ("stamp", "step"),
    [
        (CURRENT, Step.NOTHING),
        (Stamp("3.11 /usr", "/repo/.venv", {**CURRENT.requirements, "dev.txt": "c"}), Step.NOTHING),
        (Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "a"}), Step.ADD),
        (None, Step.ADD),
        (Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "older"}), Step.BUILD),
        (Stamp("3.12 /usr", "/repo/.venv", CURRENT.requirements), Step.BUILD),
        (Stamp("3.11 /usr", "/moved/.venv", CURRENT.requirements), Step.BUILD),
        (Stamp("3.11 /usr", "/repo/.venv", CURRENT.requirements, complete=False), Step.BUILD),
    ],
)
def test_stamp_decides_the_next_step(stamp: Stamp | None, step: Step) -> None:
    assert next_step(stamp, CURRENT, works=True) is step


def test_venv_without_a_working_python_is_rebuilt() -> None:
    assert next_step(CURRENT, CURRENT, works=False) is Step.BUILD


def test_written_stamp_reads_back_unchanged(tmp_path: Path) -> None:
    write_stamp(tmp_path, CURRENT)
    assert read_stamp(tmp_path) == CURRENT


def test_damaged_stamp_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "alertdrill.json").write_text('{"python": "3.11')
    stamp = read_stamp(tmp_path)
    assert stamp is not None
    assert not stamp.complete

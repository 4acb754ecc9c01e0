from pathlib import Path

import pytest

from alertdrill.stamp import Stamp, Step, next_step, read_stamp, write_stamp

WANTED = Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "a", "alertdrill.txt": "b"})


@pytest.mark.parametrize(
    ("stamp", "step"),
    [
        (WANTED, Step.NOTHING),
        (Stamp("3.11 /usr", "/repo/.venv", {**WANTED.requirements, "dev.txt": "c"}), Step.NOTHING),
        (Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "a"}), Step.ADD),
        (None, Step.ADD),
        (Stamp("3.11 /usr", "/repo/.venv", {"services.txt": "older"}), Step.BUILD),
        (Stamp("3.12 /usr", "/repo/.venv", WANTED.requirements), Step.BUILD),
        (Stamp("3.11 /usr", "/moved/.venv", WANTED.requirements), Step.BUILD),
        (Stamp("3.11 /usr", "/repo/.venv", WANTED.requirements, complete=False), Step.BUILD),
    ],
)
def test_stamp_decides_the_next_step(stamp: Stamp | None, step: Step) -> None:
    assert next_step(stamp, WANTED, works=True) is step


def test_environment_without_python_is_built() -> None:
    assert next_step(WANTED, WANTED, works=False) is Step.BUILD


def test_written_stamp_is_read_back(tmp_path: Path) -> None:
    write_stamp(tmp_path, WANTED)
    assert read_stamp(tmp_path) == WANTED


def test_damaged_stamp_is_never_good(tmp_path: Path) -> None:
    (tmp_path / "alertdrill.json").write_text('{"python": "3.11')
    stamp = read_stamp(tmp_path)
    assert stamp is not None
    assert not stamp.complete

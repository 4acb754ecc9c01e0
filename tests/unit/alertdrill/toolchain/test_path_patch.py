import os
from pathlib import Path

import pytest

from alertdrill.toolchain.path_patch import pad_path, patch_path
from alertdrill.toolchain.specs import DATA_FOLDER, PROGRAMS

BUILT_IN_PATH = "/usr/share/prometheus/alertmanager"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "alertmanager"
    file.write_bytes(
        b"\x7fELF\x00" + f"{BUILT_IN_PATH}/ui\x00{BUILT_IN_PATH}".encode() + b"\xff\x00"
    )
    file.chmod(0o755)
    return file


def test_path_is_replaced_without_moving_other_bytes(program: Path) -> None:
    before = program.read_bytes()
    patch_path(program, BUILT_IN_PATH, DATA_FOLDER)
    after = program.read_bytes()
    assert len(after) == len(before)
    assert BUILT_IN_PATH.encode() not in after
    assert after.index(b"/ui\x00") == before.index(b"/ui\x00")
    assert program.stat().st_mode & 0o777 == 0o755


def test_program_without_the_path_is_not_changed(program: Path) -> None:
    program.chmod(0o555)
    before = (program.read_bytes(), program.stat().st_mtime_ns)
    patch_path(program, "/usr/share/other", DATA_FOLDER)
    assert (program.read_bytes(), program.stat().st_mtime_ns) == before


@pytest.mark.parametrize("length", [7, 9, 10, 11, 34, 35])
def test_padded_path_leads_to_the_same_folder(tmp_path: Path, length: int) -> None:
    padded = pad_path(DATA_FOLDER, length)
    assert len(padded) == length
    assert not Path(padded).is_absolute()
    assert os.path.normpath(tmp_path / padded) == str(tmp_path / DATA_FOLDER)


@pytest.mark.parametrize("length", [0, 6, 8])
def test_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"cannot be padded to {length} characters"):
        pad_path(DATA_FOLDER, length)


def test_data_folders_of_all_programs_can_be_replaced() -> None:
    folders = [spec.package.files for spec in PROGRAMS if spec.package]
    assert any(folders)
    for folder in filter(None, folders):
        assert len(pad_path(DATA_FOLDER, len(folder))) == len(folder)

import os
from pathlib import Path

import pytest

from alertdrill.toolchain.path_patch import pad_path, patch_path
from alertdrill.toolchain.specs import DATA_FOLDER, PROGRAMS

BUILT_IN = "/usr/share/prometheus/alertmanager"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    made = tmp_path / "alertmanager"
    made.write_bytes(b"\x7fELF\x00" + f"{BUILT_IN}/ui\x00{BUILT_IN}".encode() + b"\xff\x00")
    made.chmod(0o755)
    return made


def test_path_is_replaced_in_place(program: Path) -> None:
    before = program.read_bytes()
    patch_path(program, BUILT_IN, DATA_FOLDER)
    after = program.read_bytes()
    assert len(after) == len(before)
    assert BUILT_IN.encode() not in after
    assert after.index(b"/ui\x00") == before.index(b"/ui\x00")
    assert program.stat().st_mode & 0o777 == 0o755


def test_program_without_it_stays(program: Path) -> None:
    program.chmod(0o555)
    before = (program.read_bytes(), program.stat().st_mtime_ns)
    patch_path(program, "/usr/share/other", DATA_FOLDER)
    assert (program.read_bytes(), program.stat().st_mtime_ns) == before


@pytest.mark.parametrize("length", [7, 9, 10, 11, 34, 35])
def test_filled_path_leads_there(tmp_path: Path, length: int) -> None:
    written = pad_path(DATA_FOLDER, length)
    assert len(written) == length
    assert not Path(written).is_absolute()
    assert os.path.normpath(tmp_path / written) == str(tmp_path / DATA_FOLDER)


@pytest.mark.parametrize("length", [0, 6, 8])
def test_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"cannot be padded to {length} characters"):
        pad_path(DATA_FOLDER, length)


def test_catalogues_folders_can_be_replaced() -> None:
    folders = [wanted.package.files for wanted in PROGRAMS if wanted.package]
    assert any(folders)
    for folder in filter(None, folders):
        assert len(pad_path(DATA_FOLDER, len(folder))) == len(folder)

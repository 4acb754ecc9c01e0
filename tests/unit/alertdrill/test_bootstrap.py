import base64
import hashlib
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from alertdrill import bootstrap
from alertdrill.bootstrap import (
    BootstrapError,
    Stamp,
    Step,
    check_python,
    main,
    next_step,
    prepare,
    read_stamp,
    write_stamp,
)


def requirement(folder: Path, name: str) -> Path:
    """Write a requirement file that pins a small wheel beside it by its hash."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = {
        f"{name}.py": "",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in metadata.items():
            archive.writestr(path, text)
        record = "".join(f"{path},{_record(text)}\n" for path, text in metadata.items())
        archive.writestr(f"{name}-1.0.dist-info/RECORD", record)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    file = folder / f"{name}.txt"
    file.write_text(f"{name} @ {wheel.as_uri()} --hash=sha256:{digest}\n")
    return file


def _record(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(text)}"


# Installs what the files name, and fails over what is nowhere, as pip does but in no time.
FAKE_PIP = """
import pathlib, sys, sysconfig
files = [pathlib.Path(b) for a, b in zip(sys.argv, sys.argv[1:]) if a == "-r"]
lines = [line for file in files for line in file.read_text().splitlines()]
if any("nowhere" in line for line in lines):
    sys.exit(print("ERROR: no such wheel") or 1)
if "--editable" in sys.argv:
    command = pathlib.Path(sysconfig.get_path("scripts"), "alertdrill")
    command.write_text(command.read_text() + "again" if command.exists() else "once")
for line in lines:
    pathlib.Path(sysconfig.get_path("purelib"), line.split()[0] + ".py").touch()
"""


def test_environment_of_another_tool_with_an_old_python_is_kept(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")  # what the version check of an old Python ends with
    python.chmod(0o755)
    with pytest.raises(BootstrapError, match=r"no Python 3\.11 or newer.*remove it, or set VENV"):
        prepare(tmp_path / "venv", [requirement(tmp_path, "first")], lambda _: None)
    assert python.exists()


@pytest.fixture
def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.py").write_text(FAKE_PIP)

    def command(venv: Path, *_: object) -> tuple[str, ...]:
        return str(venv / "bin" / "python"), str(tmp_path / "pip.py")

    monkeypatch.setattr(bootstrap, "_pip", command)


def can_import(venv: Path, *names: str) -> bool:
    command = [str(venv / "bin" / "python"), "-c", f"import {', '.join(names)}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def no_progress(_: str) -> None:
    pass


@pytest.mark.usefixtures("fake_pip")
def test_second_run_is_quick_and_changes_nothing(tmp_path: Path) -> None:
    files = [requirement(tmp_path, "alpha")]
    prepare(tmp_path / "venv", files, no_progress)
    messages: list[str] = []
    start = time.monotonic()
    prepare(tmp_path / "venv", files, messages.append)
    assert time.monotonic() - start < 0.1  # seconds; it stands before every command
    assert messages == []


@pytest.mark.usefixtures("fake_pip")
def test_added_requirement_file_is_installed_into_the_same_venv(tmp_path: Path) -> None:
    alpha, beta = requirement(tmp_path, "alpha"), requirement(tmp_path, "beta")
    prepare(tmp_path / "venv", [alpha], no_progress)
    (tmp_path / "venv" / "kept").touch()
    prepare(tmp_path / "venv", [alpha, beta], no_progress)
    assert can_import(tmp_path / "venv", "alpha", "beta")
    assert (tmp_path / "venv" / "kept").exists()


@pytest.mark.usefixtures("fake_pip")
def test_changed_requirement_file_rebuilds_the_venv(tmp_path: Path) -> None:
    alpha = requirement(tmp_path, "alpha")
    prepare(tmp_path / "venv", [alpha], no_progress)
    alpha.write_text(requirement(tmp_path, "beta").read_text())
    prepare(tmp_path / "venv", [alpha], no_progress)
    assert can_import(tmp_path / "venv", "beta")
    assert not can_import(tmp_path / "venv", "alpha")


@pytest.mark.usefixtures("fake_pip")
def test_command_of_the_project_is_installed_once(tmp_path: Path) -> None:
    files = [requirement(tmp_path, "alpha")]
    prepare(tmp_path / "venv", files, no_progress)
    for _ in range(2):
        prepare(tmp_path / "venv", files, no_progress, tmp_path)
    assert (tmp_path / "venv" / "bin" / "alertdrill").read_text() == "once"


def test_wrong_hash_leaves_the_stamp_incomplete(tmp_path: Path) -> None:
    alpha = requirement(tmp_path, "alpha")
    alpha.write_text(alpha.read_text()[:-9] + "00000000\n")
    with pytest.raises(BootstrapError, match="could not be installed: THESE PACKAGES DO NOT"):
        prepare(tmp_path / "venv", [alpha], no_progress)
    stamp = read_stamp(tmp_path / "venv")
    assert stamp is not None
    assert not stamp.complete


@pytest.mark.usefixtures("fake_pip")
def test_failed_addition_keeps_the_stamp(tmp_path: Path) -> None:
    alpha, missing = requirement(tmp_path, "alpha"), tmp_path / "absent.txt"
    missing.write_text("beta @ file:///nowhere.whl --hash=sha256:00\n")
    prepare(tmp_path / "venv", [alpha], no_progress)
    before = read_stamp(tmp_path / "venv")
    with pytest.raises(BootstrapError, match="no such wheel"):
        prepare(tmp_path / "venv", [alpha, missing], no_progress)
    assert read_stamp(tmp_path / "venv") == before


def test_missing_pip_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_wheel = bootstrap._newest_wheel(bootstrap._bundled_wheels(), bootstrap._SYSTEM_WHEELS)
    if local_wheel is None:
        pytest.skip("this Python has no wheel of pip to replace a downloaded one")
    monkeypatch.setattr(bootstrap, "_newest_wheel", lambda *_: None)
    monkeypatch.setattr(bootstrap, "_fetch_wheel", lambda *_: local_wheel)
    prepare(tmp_path / "venv", [requirement(tmp_path, "alpha")], no_progress)
    assert can_import(tmp_path / "venv", "alpha")


def test_folder_that_is_not_a_venv_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis").touch()
    with pytest.raises(BootstrapError, match="is not a virtual environment"):
        prepare(tmp_path / "work", [requirement(tmp_path, "alpha")], no_progress)
    assert (tmp_path / "work" / "thesis").exists()


def test_old_python_is_refused() -> None:
    with pytest.raises(BootstrapError, match=r"needs Python 3\.11 or newer, and .* is 3\.9"):
        check_python((3, 9))
    check_python((3, 11))


def test_failure_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "absent.txt")
    assert main(["--venv", str(tmp_path / "venv"), "--requirements", missing]) == 1
    assert (
        capsys.readouterr().err == f"alertdrill: cannot read {missing}: No such file or directory\n"
    )


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

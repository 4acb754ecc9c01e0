import base64
import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alertdrill import bootstrap
from alertdrill.bootstrap import (
    STAMP,
    main,
    prepare,
    prepare_application,
    use_supported_python,
)
from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import file_lock
from alertdrill.toolchain.commands import CommandError
from alertdrill.toolchain.programs import PIP

# Installs what the files name, and fails over what is nowhere, as pip does but in no time.
FAKE_PIP = """
import pathlib, sys, sysconfig
files = [pathlib.Path(b) for a, b in zip(sys.argv, sys.argv[1:]) if a == "-r"]
lines = [line for file in files for line in file.read_text().splitlines()]
if any("nowhere" in line for line in lines):
    sys.exit(print("ERROR: no such wheel") or 1)
if any(argument.startswith("--editable=") for argument in sys.argv):
    command = pathlib.Path(sysconfig.get_path("scripts"), "installed")
    command.write_text(command.read_text() + "again" if command.exists() else "once")
for line in lines:
    pathlib.Path(sysconfig.get_path("purelib"), line.split()[0] + ".py").touch()
"""


@pytest.fixture
def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.py").write_text(FAKE_PIP)
    monkeypatch.setattr(bootstrap, "_pip", lambda *_: [str(tmp_path / "pip.py")])


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


def test_environment_of_another_tool_with_an_old_python_is_kept(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")  # what the version check of an old Python ends with
    python.chmod(0o755)
    with pytest.raises(AlertdrillError, match=r"no Python 3\.11 or newer.*remove it, or set VENV"):
        prepare(tmp_path / "venv", [requirement(tmp_path, "first")], lambda _: None)
    assert python.exists()


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
@pytest.mark.parametrize("change", ["none", "another file", "no stamp"])
def test_file_is_added_to_the_same_venv(tmp_path: Path, change: str) -> None:
    alpha, beta = requirement(tmp_path, "alpha"), requirement(tmp_path, "beta")
    folder = tmp_path / "venv"
    prepare(folder, [alpha], no_progress)
    (folder / "kept").touch()
    if change == "no stamp":  # as another tool leaves it
        (folder / STAMP).unlink()
    files = [alpha] if change == "none" else [alpha, beta]
    prepare(folder, files, no_progress)
    assert can_import(folder, *(file.stem for file in files))
    assert (folder / "kept").exists()
    prepare(folder, [alpha], no_progress)  # what is not asked for stays
    assert can_import(folder, *(file.stem for file in files))


@pytest.mark.usefixtures("fake_pip")
@pytest.mark.parametrize("change", ["file", "python", "path", "incomplete", "damaged", "broken"])
def test_changed_venv_is_rebuilt(tmp_path: Path, change: str) -> None:
    alpha = requirement(tmp_path, "alpha")
    folder = tmp_path / "venv"
    prepare(folder, [alpha], no_progress)
    (folder / "old").touch()
    stamp = json.loads((folder / STAMP).read_text())
    if change == "file":
        alpha.write_text(requirement(tmp_path, "beta").read_text())
    elif change == "broken":
        (folder / "bin" / "python").unlink()
    else:
        texts = {"incomplete": "{}", "damaged": '{"python": "3.11'}
        text = texts.get(change) or json.dumps({**stamp, change: "other"})
        (folder / STAMP).write_text(text)
    prepare(folder, [alpha], no_progress)
    assert not (folder / "old").exists()
    assert can_import(folder, "beta" if change == "file" else "alpha")
    assert (change == "file") == (json.loads((folder / STAMP).read_text()) != stamp)


@pytest.mark.usefixtures("fake_pip")
def test_project_is_installed_once(tmp_path: Path) -> None:
    files = [requirement(tmp_path, "alpha")]
    prepare(tmp_path / "venv", files, no_progress)
    for _ in range(2):
        prepare(tmp_path / "venv", files, no_progress, [tmp_path])
    assert (tmp_path / "venv" / "bin" / "installed").read_text() == "once"


@pytest.mark.usefixtures("fake_pip")
def test_second_run_waits_for_the_first(tmp_path: Path) -> None:
    waiting = threading.Event()
    folder, files = tmp_path / "venv", [requirement(tmp_path, "alpha")]
    with ThreadPoolExecutor() as pool:
        with file_lock(tmp_path):
            run = pool.submit(prepare, folder, files, lambda _: waiting.set())
            assert waiting.wait(10)
            assert not folder.exists()
        run.result(60)
    assert can_import(folder, "alpha")


def test_wrong_hash_leaves_the_venv_incomplete(tmp_path: Path) -> None:
    alpha = requirement(tmp_path, "alpha")
    alpha.write_text(alpha.read_text()[:-9] + "00000000\n")
    with pytest.raises(AlertdrillError, match="could not be installed: THESE PACKAGES DO NOT"):
        prepare(tmp_path / "venv", [alpha], no_progress)
    assert json.loads((tmp_path / "venv" / STAMP).read_text()) == {}


@pytest.mark.usefixtures("fake_pip")
def test_failed_addition_keeps_the_stamp(tmp_path: Path) -> None:
    alpha, missing = requirement(tmp_path, "alpha"), tmp_path / "absent.txt"
    missing.write_text("beta @ file:///nowhere.whl --hash=sha256:00\n")
    prepare(tmp_path / "venv", [alpha], no_progress)
    before = (tmp_path / "venv" / STAMP).read_text()
    with pytest.raises(AlertdrillError, match="no such wheel"):
        prepare(tmp_path / "venv", [alpha, missing], no_progress)
    assert (tmp_path / "venv" / STAMP).read_text() == before


def test_missing_pip_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_wheel = bootstrap._local_wheel()
    if local_wheel is None:
        pytest.skip("this Python has no wheel of pip to replace a downloaded one")

    def fetch(packages: object, work: Path) -> None:
        (work / PIP.name).mkdir()
        shutil.copy(local_wheel, work / PIP.name)

    monkeypatch.setattr(bootstrap, "_local_wheel", lambda: None)
    monkeypatch.setattr("alertdrill.toolchain.apt.fetch", fetch)
    prepare(tmp_path / "venv", [requirement(tmp_path, "alpha")], no_progress)
    assert can_import(tmp_path / "venv", "alpha")


def test_folder_that_is_not_a_venv_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis").touch()
    with pytest.raises(AlertdrillError, match="is not a virtual environment"):
        prepare(tmp_path / "work", [requirement(tmp_path, "alpha")], no_progress)
    assert (tmp_path / "work" / "thesis").exists()


def test_pip_that_cannot_be_fetched_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> None:
        raise CommandError("no network")

    monkeypatch.setattr(bootstrap, "_local_wheel", lambda: None)
    monkeypatch.setattr("alertdrill.toolchain.apt.fetch", fetch)
    with pytest.raises(AlertdrillError, match="no network; install the package python3-venv"):
        prepare(tmp_path / "venv", [requirement(tmp_path, "alpha")], no_progress)


def test_old_python_without_a_newer_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    stub = tmp_path / "python3.12"  # of a version manager that has no such Python
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    with pytest.raises(AlertdrillError, match=r"needs Python 3\.11 or newer, and .* is 3\.9"):
        use_supported_python((3, 9))
    use_supported_python((3, 11))


def test_old_python_restarts_with_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bootstrap", "--venv", "x"])

    def execv(*call: object) -> None:
        started.append(call)
        sys.exit()

    monkeypatch.setattr("os.execv", execv)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    newer = str(tmp_path / "python3.12")
    with pytest.raises(SystemExit):
        use_supported_python((3, 9))
    assert started == [(newer, [newer, "-m", "alertdrill.bootstrap", "--venv", "x"])]


def test_failure_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "absent.txt")
    assert main(["--venv", str(tmp_path / "venv"), "--requirements", missing]) == 1
    assert (
        capsys.readouterr().err == f"alertdrill: cannot read {missing}: No such file or directory\n"
    )


def application_files(folder: Path) -> tuple[list[Path], Path]:
    """Return the requirement files that all services share, and that of an application."""
    own = folder / "own.txt"
    own.write_text("beta\n")
    return [requirement(folder, "alpha")], own


@pytest.mark.usefixtures("fake_pip")
def test_application_has_its_own_packages_beside_the_shared_ones(tmp_path: Path) -> None:
    shared, own = application_files(tmp_path)
    prepare_application(tmp_path / "venv", shared, own, [], no_progress)
    assert can_import(tmp_path / "venv", "alpha", "beta")


@pytest.mark.usefixtures("fake_pip")
def test_application_is_prepared_once(tmp_path: Path) -> None:
    shared, own = application_files(tmp_path)
    prepare_application(tmp_path / "venv", shared, own, ["alpha>=1"], no_progress)
    messages: list[str] = []
    prepare_application(tmp_path / "venv", shared, own, ["alpha>=1"], messages.append)
    assert messages == []


@pytest.mark.usefixtures("fake_pip")
@pytest.mark.parametrize("change", ["own file", "shared file", "constraints"])
def test_changed_application_is_rebuilt(tmp_path: Path, change: str) -> None:
    shared, own = application_files(tmp_path)
    folder = tmp_path / "venv"
    prepare_application(folder, shared, own, ["alpha>=1"], no_progress)
    (folder / "old").touch()
    if change == "own file":
        own.write_text("gamma\n")
    elif change == "shared file":
        shared[0].write_text(requirement(tmp_path, "delta").read_text())
    constraints = ["alpha>=2"] if change == "constraints" else ["alpha>=1"]
    prepare_application(folder, shared, own, constraints, no_progress)
    assert not (folder / "old").exists()
    assert can_import(folder, "gamma" if change == "own file" else "beta")
    assert not (change == "own file" and can_import(folder, "beta"))


@pytest.mark.usefixtures("fake_pip")
def test_failed_application_is_tried_again(tmp_path: Path) -> None:
    shared, own = application_files(tmp_path)
    own.write_text("nowhere\n")
    for _ in range(2):
        with pytest.raises(AlertdrillError, match=r"own.txt could not be installed: no such wheel"):
            prepare_application(tmp_path / "venv", shared, own, [], no_progress)
    own.write_text("beta\n")
    prepare_application(tmp_path / "venv", shared, own, [], no_progress)
    assert can_import(tmp_path / "venv", "alpha", "beta")


def test_missing_file_of_an_application_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "own.txt"
    with pytest.raises(AlertdrillError, match=f"^cannot read {missing}: No such file"):
        prepare_application(tmp_path / "venv", [], missing, [], no_progress)
    assert not (tmp_path / "venv").exists()


def test_package_that_a_constraint_excludes_is_named(tmp_path: Path) -> None:
    """This is pip itself, without a network."""
    requirement(tmp_path, "alpha")
    own = tmp_path / "own.txt"
    own.write_text(f"--no-index\n--find-links {tmp_path}\nalpha==1.0\n")
    with pytest.raises(AlertdrillError) as error:
        prepare_application(tmp_path / "venv", [], own, ["alpha>=2"], no_progress)
    assert str(error.value) == (
        f"{own} could not be installed:"
        " The user requested alpha==1.0, The user requested (constraint) alpha>=2"
    )

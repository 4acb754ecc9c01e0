import fcntl
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import (
    DATA_FOLDER,
    PackageCache,
    default_cache,
    pad_path,
    patch_path,
)
from alertdrill.toolchain.commands import CommandError
from alertdrill.toolchain.programs import PROGRAMS, Package, Suite

Machine = Any  # the fixture's own class; test folders are no packages to import it from
DPKG_WITH_A_BUILT_IN_PATH = r"""#!/bin/sh
PATH=/usr/bin:/bin
mkdir -p "$3/usr/bin"
printf '#!/bin/sh\necho /usr/share/prometheus/ui\n' >"$3/usr/bin/prometheus"
chmod 755 "$3/usr/bin/prometheus"
"""
PROMETHEUS = Package("prometheus", Suite.DEVELOPMENT, parts=("promtool",))


@pytest.fixture
def store(machine: Machine) -> PackageCache:
    return PackageCache(machine.cache)


def fetch(store: PackageCache, package: Package = PROMETHEUS) -> None:
    with store.locked(lambda _: None) as work:
        store.fetch([package], work)


def test_package_and_its_parts_replace_the_old_one(store: PackageCache) -> None:
    (store.root / "prometheus" / "usr/bin/old").mkdir(parents=True)
    fetch(store)
    commands = {path.name for path in (store.root / "prometheus" / "usr/bin").iterdir()}
    assert commands == {"prometheus", "promtool"}


def test_built_in_path_of_a_program_is_made_relative(store: PackageCache, machine: Machine) -> None:
    machine.install("dpkg", DPKG_WITH_A_BUILT_IN_PATH)
    fetch(store, replace(PROMETHEUS, files="/usr/share/prometheus"))
    program = store.root / "prometheus/usr/bin/prometheus"
    assert program.read_text() == "#!/bin/sh\necho ./././././././builtin/ui\n"
    assert program.stat().st_mode & 0o777 == 0o755


def test_path_that_is_not_declared_is_not_changed(store: PackageCache, machine: Machine) -> None:
    machine.install("dpkg", DPKG_WITH_A_BUILT_IN_PATH)
    fetch(store)
    program = store.root / "prometheus/usr/bin/prometheus"
    assert "/usr/share/prometheus/ui" in program.read_text()


def test_package_that_fails_to_unpack_is_not_stored(store: PackageCache, machine: Machine) -> None:
    machine.set("broken")
    with pytest.raises(CommandError, match="unexpected end of file"):
        fetch(store)
    assert [path.name for path in store.root.iterdir()] == ["lock"]


def test_leftover_of_a_killed_run_is_removed(store: PackageCache) -> None:
    (store.root / ".fetch-killed").mkdir(parents=True)
    fetch(store)
    assert not list(store.root.glob(".fetch-*"))


def test_second_run_waits_for_the_first(store: PackageCache) -> None:
    store.root.mkdir(parents=True)
    messages: list[str] = []
    with (store.root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Event()

        def on_progress(sentence: str) -> None:
            messages.append(sentence)
            waiting.set()

        def enter() -> None:
            with store.locked(on_progress):
                messages.append("in")

        second = threading.Thread(target=enter)
        second.start()
        assert waiting.wait(5), "the second run did not report that it waits"
        assert "in" not in messages
        fcntl.flock(lock, fcntl.LOCK_UN)
        second.join(5)
    assert messages[-1] == "in"


def test_unwritable_cache_is_an_error_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = PackageCache(tmp_path / "file")
    with pytest.raises(AlertdrillError, match="ALERTDRILL_CACHE"), store.locked(lambda _: None):
        pass


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTDRILL_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert default_cache() == Path("/a")
    monkeypatch.delenv("ALERTDRILL_CACHE")
    assert default_cache() == Path("/b/alertdrill")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache/alertdrill"


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

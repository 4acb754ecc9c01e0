import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.airgap import archive
from deploy.airgap.archive import ArchiveError, ImageEntry, Manifest, read_manifest
from deploy.airgap.inventory import InventoryRow

ENTRY = ImageEntry("x:1", "sha256:1", 5, ("sha256:a",))


class FakeEngine:
    """An engine that saves fixed bytes, stores what it loads, and has one image."""

    def __init__(self, folder: Path, image: str = "sha256:1") -> None:
        self.loaded_file = folder / "taken"
        self.stored_image = {"Id": image, "Size": 5, "RootFS": {"Layers": ["sha256:a"]}}

    def image(self, name: str) -> dict[str, Any] | None:
        return self.stored_image if name == "x:1" else None

    def start(self, command: str, *_: str, feeds_stdin: bool = False) -> subprocess.Popen[bytes]:
        script = f"cat >{self.loaded_file}" if command == "load" else "printf 'the images'"
        pipe, devnull = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(
            ["sh", "-c", script],
            stdin=pipe if feeds_stdin else devnull,
            stdout=devnull if feeds_stdin else pipe,
            stderr=pipe,
        )


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    return FakeEngine(tmp_path)


@pytest.fixture
def archive_file(engine: Any, tmp_path: Path) -> Path:
    new_file = tmp_path / "set.tar"
    archive.save(engine, Manifest(archive.pack(engine, ["x:1", "gone:1"]), {}, []), new_file)
    return new_file


def test_archive_has_only_the_images_that_exist(archive_file: Path) -> None:
    assert list(archive.check(archive_file).images) == [ENTRY]


def test_damaged_byte_is_refused(archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    for position in (whole.index(b"x:1"), whole.index(b"\x1f\x8b") + 12):
        archive_file.write_bytes(whole[:position] + b"!" + whole[position + 1 :])
        with pytest.raises(ArchiveError, match=r"is damaged or incomplete: .* Nothing was loaded"):
            archive.check(archive_file)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_truncated_archive_is_refused(archive_file: Path, share: float) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArchiveError, match="is damaged or incomplete"):
        archive.check(archive_file)


def test_missing_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no file"):
        archive.check(tmp_path / "none.tar")


def test_engine_loads_what_was_saved(engine: Any, archive_file: Path) -> None:
    archive.load(engine, archive.check(archive_file), archive_file)
    assert engine.loaded_file.read_bytes()[:2] == b"\x1f\x8b"  # gzip, which the engine reads


def test_image_that_differs_from_the_manifest_is_an_error(engine: Any, archive_file: Path) -> None:
    engine.stored_image = {"Id": "sha256:2", "RootFS": {"Layers": []}}
    with pytest.raises(ArchiveError, match=r"x:1 does not match the manifest"):
        archive.load(engine, archive.check(archive_file), archive_file)


def test_unwritable_path_is_an_error(engine: Any) -> None:
    with pytest.raises(ArchiveError, match="can't be written"):
        archive.save(engine, Manifest([], {}, []), Path("/proc/none/set.tar"))


def test_saved_manifest_is_read_back_unchanged(engine: Any, tmp_path: Path) -> None:
    entry = ImageEntry("prom/prometheus:v3-local", "sha256:1", 5, ("sha256:a", "sha256:b"))
    row = InventoryRow("prom/prometheus:v3-local", "3", "a package", "", 5)
    original = Manifest([entry], {"PROMETHEUS_VERSION": "v3-local"}, [row])
    archive.save(engine, original, tmp_path / "set.tar")
    assert archive.check(tmp_path / "set.tar") == original


def test_newer_format_is_refused() -> None:
    with pytest.raises(ArchiveError, match="its format is 2"):
        read_manifest(json.dumps({"format": 2}).encode())


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"format": 1}', b'{"format": 1, "images": [1]}', b"\xff"]
)
def test_broken_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ArchiveError, match="can't be read"):
        read_manifest(text)


def test_image_matches_by_id_or_by_layers() -> None:
    assert ENTRY.matches({"Id": "sha256:1", "RootFS": {"Layers": []}})
    assert ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a"]}})
    assert not ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:b"]}})

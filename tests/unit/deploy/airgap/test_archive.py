import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.commands import CommandError
from deploy.airgap import archive
from deploy.airgap.archive import ImageEntry, Manifest
from deploy.airgap.inventory import InventoryRow

ENTRY = ImageEntry("x:1", "sha256:1", 5, ("sha256:a",))


class FakeEngine:
    """An engine that saves fixed bytes, stores what it loads, and has one image."""

    def __init__(self) -> None:
        self.loaded = b""
        self.stored_image = {"Id": "sha256:1", "Size": 5, "RootFS": {"Layers": ["sha256:a"]}}

    def image(self, name: str) -> dict[str, Any] | None:
        return self.stored_image if name == "x:1" else None

    @contextmanager
    def stream(self, *command: str, feeds_stdin: bool = False) -> Iterator[IO[bytes]]:
        assert command == (("load", "--quiet") if feeds_stdin else ("save", "x:1"))
        stream = io.BytesIO(b"" if feeds_stdin else b"the images")
        yield stream
        self.loaded = stream.getvalue()


@pytest.fixture
def engine() -> Any:
    return FakeEngine()


@pytest.fixture
def archive_file(engine: Any, tmp_path: Path) -> Path:
    new_file = tmp_path / "set.gz"
    archive.save(engine, Manifest(archive.pack(engine, ["x:1", "gone:1"]), {}, []), new_file)
    return new_file


def test_archive_has_only_the_images_that_exist(archive_file: Path) -> None:
    assert list(archive.check(archive_file).images) == [ENTRY]


def test_damaged_byte_is_refused(archive_file: Path) -> None:
    whole = archive_file.read_bytes()
    for position in (0, len(whole) // 2, len(whole) - 6):
        archive_file.write_bytes(whole[:position] + b"!" + whole[position + 1 :])
        with pytest.raises(
            AlertdrillError, match=r"is damaged or incomplete: .* Nothing was loaded"
        ):
            archive.check(archive_file)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.99])
def test_truncated_archive_is_refused(archive_file: Path, share: float) -> None:
    whole = archive_file.read_bytes()
    archive_file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AlertdrillError, match="is damaged or incomplete"):
        archive.check(archive_file)


def test_missing_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AlertdrillError, match="no file"):
        archive.check(tmp_path / "none.gz")


def test_engine_loads_what_was_saved(engine: Any, archive_file: Path) -> None:
    archive.load(engine, archive.check(archive_file), archive_file)
    assert engine.loaded == b"the images"


def test_image_that_differs_from_the_manifest_is_an_error(engine: Any, archive_file: Path) -> None:
    engine.stored_image = {"Id": "sha256:2", "RootFS": {"Layers": []}}
    with pytest.raises(AlertdrillError, match=r"x:1 does not match the manifest"):
        archive.load(engine, archive.check(archive_file), archive_file)


def test_unwritable_path_is_an_error(engine: Any) -> None:
    with pytest.raises(AlertdrillError, match="can't be written"):
        archive.save(engine, Manifest([ENTRY], {}, []), Path("/proc/none/set.gz"))


def test_failed_save_keeps_the_former_file(
    engine: Any, archive_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = archive_file.read_bytes()

    @contextmanager
    def fail(*_: object) -> Iterator[IO[bytes]]:
        yield io.BytesIO(b"half")
        raise CommandError("docker save: no space")

    monkeypatch.setattr(engine, "stream", fail)
    with pytest.raises(CommandError, match="no space"):
        archive.save(engine, Manifest([ENTRY], {}, []), archive_file)
    assert [file.read_bytes() for file in archive_file.parent.iterdir()] == [before]


def test_saved_manifest_is_read_back_unchanged(engine: Any, tmp_path: Path) -> None:
    row = InventoryRow("prom/prometheus:v3-local", "3", "a package", "", 5)
    original = Manifest([ENTRY], {"PROMETHEUS_VERSION": "v3-local"}, [row])
    archive.save(engine, original, tmp_path / "set.gz")
    assert archive.check(tmp_path / "set.gz") == original


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 2, "images": [1]}', b"\xff"),
        b'{"images": [], "variables": {}, "inventory": [], "format": 3}',
    ],
)
def test_manifest_of_another_version_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "set.gz").write_bytes(gzip.compress(text + b"\nthe images"))
    with pytest.raises(AlertdrillError, match=r"no manifest that .* Nothing was loaded"):
        archive.check(tmp_path / "set.gz")


def test_image_matches_by_id_or_by_layers() -> None:
    assert ENTRY.matches({"Id": "sha256:1", "RootFS": {"Layers": []}})
    assert ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a"]}})
    assert not ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:b"]}})

import subprocess
from pathlib import Path
from typing import Any

import pytest

from alertdrill.images import archive
from alertdrill.images.errors import ArchiveError
from alertdrill.images.manifest import ImageEntry, Manifest

PACKED = ImageEntry("x:1", "sha256:1", 5, ("sha256:a",))


class FakeEngine:
    """Saves some bytes, takes what it is given, and has one image."""

    def __init__(self, folder: Path, image: str = "sha256:1") -> None:
        self.taken = folder / "taken"
        self.found = {"Id": image, "Size": 5, "RootFS": {"Layers": ["sha256:a"]}}

    def image(self, name: str) -> dict[str, Any] | None:
        return self.found if name == "x:1" else None

    def start(self, command: str, *_: str, feeds_stdin: bool = False) -> subprocess.Popen[bytes]:
        script = f"cat >{self.taken}" if command == "load" else "printf 'the images'"
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(
            ["sh", "-c", script],
            stdin=pipe if feeds_stdin else nothing,
            stdout=nothing if feeds_stdin else pipe,
            stderr=pipe,
        )


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    return FakeEngine(tmp_path)


@pytest.fixture
def file(engine: Any, tmp_path: Path) -> Path:
    made = tmp_path / "set.tar"
    archive.save(engine, Manifest(archive.pack(engine, ["x:1", "gone:1"]), {}, []), made)
    return made


def test_set_has_what_is_here(file: Path) -> None:
    assert list(archive.check(file).images) == [PACKED]


def test_every_damaged_byte_is_noticed(file: Path) -> None:
    whole = file.read_bytes()
    for place in (whole.index(b"x:1"), whole.index(b"\x1f\x8b") + 12):
        file.write_bytes(whole[:place] + b"!" + whole[place + 1 :])
        with pytest.raises(ArchiveError, match=r"is damaged or incomplete: .* Nothing was loaded"):
            archive.check(file)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_half_a_file_is_refused(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArchiveError, match="is damaged or incomplete"):
        archive.check(file)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no file"):
        archive.check(tmp_path / "none.tar")


def test_engine_gets_what_was_saved(engine: Any, file: Path) -> None:
    archive.load(engine, archive.check(file), file)
    assert engine.taken.read_bytes()[:2] == b"\x1f\x8b"  # gzip, which the engine reads


def test_other_image_than_named_is_told(engine: Any, file: Path) -> None:
    engine.found = {"Id": "sha256:2", "RootFS": {"Layers": []}}
    with pytest.raises(ArchiveError, match=r"x:1 does not match the manifest"):
        archive.load(engine, archive.check(file), file)


def test_unwritable_place_is_named(engine: Any) -> None:
    with pytest.raises(ArchiveError, match="can't be written"):
        archive.save(engine, Manifest([], {}, []), Path("/proc/none/set.tar"))

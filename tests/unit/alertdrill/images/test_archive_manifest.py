import json

import pytest

from alertdrill.images import archive_manifest
from alertdrill.images.archive_manifest import ImageEntry, Manifest
from alertdrill.images.errors import ArchiveError
from alertdrill.images.inventory import InventoryRow

ENTRY = ImageEntry("prom/prometheus:v3-local", "sha256:1", 5, ("sha256:a", "sha256:b"))
ROW = InventoryRow("prom/prometheus:v3-local", "3", "a package", "", 5)


def test_written_manifest_reads_back_unchanged() -> None:
    original = Manifest([ENTRY], {"PROMETHEUS_VERSION": "v3-local"}, [ROW])
    assert archive_manifest.read(archive_manifest.write(original)) == original


def test_newer_format_is_refused() -> None:
    with pytest.raises(ArchiveError, match="its format is 2"):
        archive_manifest.read(json.dumps({"format": 2}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "images": [1]}'])
def test_broken_manifest_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError, match="can't be read"):
        archive_manifest.read(text)


def test_image_matches_by_id_or_by_layers() -> None:
    assert ENTRY.matches({"Id": "sha256:1", "RootFS": {"Layers": []}})
    assert ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a", "sha256:b"]}})
    assert not ENTRY.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a"]}})

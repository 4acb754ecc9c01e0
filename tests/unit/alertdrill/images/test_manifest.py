import json

import pytest

from alertdrill.images import manifest
from alertdrill.images.errors import ArchiveError
from alertdrill.images.inventory import InventoryRow
from alertdrill.images.manifest import ImageEntry, Manifest

PACKED = ImageEntry("prom/prometheus:v3-local", "sha256:1", 5, ("sha256:a", "sha256:b"))
ROW = InventoryRow("prom/prometheus:v3-local", "3", "a package", "", 5)


def test_manifest_comes_back_the_same() -> None:
    made = Manifest([PACKED], {"PROMETHEUS_VERSION": "v3-local"}, [ROW])
    assert manifest.read(manifest.write(made)) == made


def test_newer_form_is_refused() -> None:
    with pytest.raises(ArchiveError, match="its format is 2"):
        manifest.read(json.dumps({"format": 2}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "images": [1]}'])
def test_broken_manifest_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError, match="can't be read"):
        manifest.read(text)


def test_same_files_are_the_same_image() -> None:
    assert PACKED.matches({"Id": "sha256:1", "RootFS": {"Layers": []}})
    assert PACKED.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a", "sha256:b"]}})
    assert not PACKED.matches({"Id": "sha256:2", "RootFS": {"Layers": ["sha256:a"]}})

"""Images that are saved to an archive and deleted are restored unchanged."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from deploy.airgap import archive
from deploy.airgap.archive import Manifest
from deploy.airgap.docker_cli import DockerCli

Docker = Callable[..., str]


@pytest.fixture
def engine(docker: Docker) -> DockerCli:
    return DockerCli()


@pytest.fixture
def tiny(docker: Docker, tmp_path: Path) -> Iterator[str]:
    """Return the name of an image with one file that no other image has."""
    name = f"alertdrill-test-airgap:{os.getpid()}"
    with tarfile.open(tmp_path / "files.tar", "w") as files:
        member = tarfile.TarInfo("file")
        content = name.encode()
        member.size = len(content)
        files.addfile(member, io.BytesIO(content))
    docker("import", str(tmp_path / "files.tar"), name)
    yield name
    docker("image", "rm", "--force", name, check=False)


@pytest.fixture
def saved(engine: DockerCli, tiny: str, tmp_path: Path) -> Path:
    file = tmp_path / "set.gz"
    archive.save(engine, Manifest(archive.pack(engine, [tiny]), {}, []), file)
    return file


def test_archive_restores_the_images(
    engine: DockerCli, docker: Docker, tiny: str, saved: Path
) -> None:
    before = archive.pack(engine, [tiny])
    docker("image", "rm", tiny)
    assert engine.image(tiny) is None
    archive.load(engine, archive.check(saved), saved)
    assert archive.pack(engine, [tiny]) == before


def test_damaged_archive_loads_nothing(
    engine: DockerCli, docker: Docker, tiny: str, saved: Path
) -> None:
    docker("image", "rm", tiny)
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(AlertdrillError, match="Nothing was loaded"):
        archive.check(saved)
    assert engine.image(tiny) is None


def test_image_that_differs_from_the_manifest_is_refused(
    engine: DockerCli, docker: Docker, tiny: str, saved: Path
) -> None:
    content = archive.check(saved)
    docker("image", "rm", tiny)
    wrong = Manifest(
        [type(image)(image.name, "sha256:0", 1, ("sha256:0",)) for image in content.images], {}, []
    )
    with pytest.raises(AlertdrillError, match="does not match the manifest"):
        archive.load(engine, wrong, saved)


def test_unchanged_recipe_is_not_rebuilt(engine: DockerCli, docker: Docker, tmp_path: Path) -> None:
    context = tmp_path / "recipe"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    inputs, name = f"test-{os.getpid()}", f"alertdrill-test-airgap:built-{os.getpid()}"
    try:
        engine.tag(engine.build(context, inputs, {}), name)
        assert engine.built_from(inputs) == [name]
        assert engine.built_from("anything else") == []
    finally:
        docker("image", "rm", "--force", name, check=False)

"""Build every third-party image on the base image."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import ProgressCallback
from alertdrill.toolchain.find import Program

from .base_image import copy_authorities
from .docker_cli import DockerCli, EngineError
from .images import BASE, IMAGES, LOCAL_SUFFIX, PULL_POLICY, SUITE, ImageSpec
from .inventory import InventoryRow
from .programs import Origin, copy, find, origin

RECIPES = Path(__file__).parent
# "prometheus, version 3.5.3+ds1 (branch …", "Python 3.13.5", "BusyBox v1.37.0 (Debian …".
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class BuildError(AlertdrillError):
    """An image cannot be built."""


@dataclass(frozen=True)
class BuildResult:
    """The inventory rows, the variables for `.env`, and the images that cannot be built."""

    rows: Sequence[InventoryRow]
    values: Mapping[str, str]
    missing: Sequence[str]


class ImageBuilder:
    """Builds images; an image with unchanged inputs is not rebuilt."""

    def __init__(
        self, engine: DockerCli, rootfs: Path, cache: Path, on_progress: ProgressCallback
    ) -> None:
        self._engine = engine
        self._rootfs = rootfs
        self._cache = cache
        self._on_progress = on_progress

    def build_all(self, images: Sequence[ImageSpec] = IMAGES) -> BuildResult:
        """Build the base, then all images; raise `BuildError` if a required one fails."""
        located = find(images, self._cache, self._on_progress)
        with tempfile.TemporaryDirectory(prefix="alertdrill-images-") as name:
            work = Path(name)
            below = self._build_base(work / "base")
            rows, values, missing = [], {PULL_POLICY: "never"}, []
            for image in images:
                located_programs = {name: located.programs.get(name) for name in image.programs}
                programs = {name: program for name, program in located_programs.items() if program}
                row = self._build(image, programs, work / image.recipe, below)
                if row:
                    rows.append(row)
                    values[image.variable] = row.name.partition(":")[2]
                    if image.replicas:
                        values[image.replicas] = "1"
                else:
                    missing.append(_missing(image))
                    values[image.replicas] = "0"
        values |= {image.replicas: "0" for image in images if values.get(image.requires) == "0"}
        return BuildResult(rows, values, missing)

    def _build_base(self, context: Path) -> str:
        """Build the base and return the hash of its inputs."""
        shutil.copytree(RECIPES / "debian", context)
        shutil.copyfile(self._rootfs, context / "rootfs.tar.gz")
        copy_authorities(context / "authorities")
        inputs = hash_folder(context, "")
        if BASE not in self._engine.built_from(inputs):
            self._on_progress(f"building {BASE} …")
            self._engine.tag(self._engine.build(context, inputs, {}), BASE)
        return inputs

    def _build(
        self, image: ImageSpec, programs: Mapping[str, Program], context: Path, below: str
    ) -> InventoryRow | None:
        """Build an image unless it exists; return None for an optional one that cannot be built."""
        if len(programs) < len(image.programs):
            return None
        shutil.copytree(RECIPES / image.recipe, context)
        if programs:
            copy(image, programs, context)
        inputs = hash_folder(context, below)
        name = self._existing(image, inputs)
        if name is None:
            self._on_progress(f"building {image.repository} …")
            try:
                name = self._build_new(image, context, inputs)
            except EngineError as error:
                if image.replicas:
                    self._on_progress(f"cannot build {image.repository}: {error}")
                    return None
                raise BuildError(f"cannot build {image.repository}: {error}") from error
        return self._row(image, name, programs)

    def _existing(self, image: ImageSpec, inputs: str) -> str | None:
        names = self._engine.built_from(inputs)
        start = f"{image.repository}:"
        return next(
            (name for name in names if name.startswith(start) and LOCAL_SUFFIX in name), None
        )

    def _build_new(self, image: ImageSpec, context: Path, inputs: str) -> str:
        """Build the image, read its program's version, and tag it with that."""
        built = self._engine.build(context, inputs, {"BASE": BASE})
        answer = self._engine.run_isolated(built, image.version_command)
        version = _VERSION.search(answer)
        if version is None:
            raise EngineError(f"{' '.join(image.version_command)} prints no version.")
        name = image.name(version[0])
        self._engine.tag(built, name)
        return name

    def _row(self, image: ImageSpec, name: str, programs: Mapping[str, Program]) -> InventoryRow:
        details = self._engine.image(name)
        assert details is not None  # just built, or listed
        version = name.partition(":")[2].removeprefix(image.prefix).removesuffix(LOCAL_SUFFIX)
        if programs:
            came = origin(programs[image.programs[0]])
        else:
            package = " ".join(self._engine.run_isolated(name, ("cat", "/etc/airgap")).split())
            came = Origin(f"{package} of {SUITE}")
        return InventoryRow(name, version, came.text, came.sha256, details["Size"])


def hash_folder(folder: Path, below: str) -> str:
    """Return a hash of all files in a folder, their names, and the base's hash."""
    total = hashlib.sha256(below.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        runs = "runs" if path.stat().st_mode & 0o111 else ""
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder)}\0{runs}\0{content}\n".encode())
    return total.hexdigest()


def _missing(image: ImageSpec) -> str:
    names = " and ".join(image.programs)
    return (
        f"no image {image.repository}: {names} is not on the PATH or does not run in it;"
        f" the stack runs without ({image.replicas}=0)."
    )

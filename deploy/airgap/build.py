"""Build every third-party image on the base image, of programs of the host or of packages."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import DATA_FOLDER, ProgressCallback, pad_path, patch_path
from alertdrill.toolchain.commands import CommandError
from alertdrill.toolchain.find import Program, resolve_programs
from alertdrill.toolchain.programs import PROGRAMS, Package, ProgramSpec, Suite

from .base_image import copy_authorities
from .docker_cli import DockerCli
from .images import BASE, IMAGES, LOCAL_SUFFIX, PULL_POLICY, SUITE, ImageSpec
from .inventory import InventoryRow

RECIPES = Path(__file__).parent
# Only the images need it: the native runtime has no batch jobs.
PUSHGATEWAY = ProgramSpec(
    name="pushgateway",
    commands=("pushgateway", "prometheus-pushgateway"),
    minimum=(1, 5),  # what Debian 12 has, the oldest system we support
    package=Package("prometheus-pushgateway", Suite.DEVELOPMENT),
    why="stores the metrics that batch jobs push",
)
_SPECS: Mapping[str, ProgramSpec] = {item.name: item for item in (*PROGRAMS, PUSHGATEWAY)}
# "prometheus, version 3.5.3+ds1 (branch …", "Python 3.13.5", "BusyBox v1.37.0 (Debian …".
_VERSION = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True)
class BuildResult:
    """The inventory rows, the variables for `.env`, and the images that cannot be built."""

    rows: Sequence[InventoryRow]
    values: Mapping[str, str]
    missing: Sequence[str]


def build_images(
    engine: DockerCli,
    rootfs: Path,
    cache: Path,
    on_progress: ProgressCallback,
    images: Sequence[ImageSpec] = IMAGES,
) -> BuildResult:
    """Build the base, then all images; an image with unchanged inputs is not rebuilt.

    Raises `AlertdrillError` if a required one fails.
    """
    specs = [_SPECS[name] for image in images for name in image.programs]
    programs = resolve_programs(specs, cache, on_progress).programs
    with tempfile.TemporaryDirectory(prefix="alertdrill-images-") as folder:
        work = Path(folder)
        below = _build_base(engine, work / "base", rootfs, on_progress)
        rows, values, missing = [], {PULL_POLICY: "never"}, []
        for image in images:
            name = ""
            if programs.keys() >= set(image.programs):
                context = work / image.recipe
                shutil.copytree(RECIPES / image.recipe, context)
                copy_programs(image, programs, context)
                try:
                    name = _build(engine, image, context, hash_folder(context, below), on_progress)
                except CommandError as error:
                    message = f"cannot build {image.repository}: {error}"
                    if not image.optional:
                        raise AlertdrillError(message) from error
                    on_progress(message)
            if name:
                rows.append(_row(engine, image, name, programs))
                values[image.variable] = name.partition(":")[2]
            else:
                missing.append(
                    f"no image {image.repository}: {' and '.join(image.programs)} is not on the"
                    f" PATH or does not run in it; the stack runs without ({image.replicas}=0)."
                )
            if image.optional:
                values[image.replicas] = "1" if name else "0"
    values |= {image.replicas: "0" for image in images if values.get(image.requires) == "0"}
    return BuildResult(rows, values, missing)


def _build_base(
    engine: DockerCli, context: Path, rootfs: Path, on_progress: ProgressCallback
) -> str:
    """Build the base and return the hash of its inputs."""
    shutil.copytree(RECIPES / "debian", context)
    shutil.copyfile(rootfs, context / "rootfs.tar.gz")
    copy_authorities(context / "authorities")
    inputs = hash_folder(context, "")
    if BASE not in engine.built_from(inputs):
        on_progress(f"building {BASE} …")
        engine.tag(engine.build(context, inputs, {}), BASE)
    return inputs


def _build(
    engine: DockerCli, image: ImageSpec, context: Path, inputs: str, on_progress: ProgressCallback
) -> str:
    """Build an image unless it exists; return its name, with the version that it prints."""
    for name in engine.built_from(inputs):
        if name.startswith(f"{image.repository}:") and name.endswith(LOCAL_SUFFIX):
            return name
    on_progress(f"building {image.repository} …")
    built = engine.build(context, inputs, {"BASE": BASE})
    version = _VERSION.search(engine.run_isolated(built, image.version_command))
    if version is None:
        raise CommandError(f"{' '.join(image.version_command)} prints no version")
    name = f"{image.repository}:{image.prefix}{version[0]}{LOCAL_SUFFIX}"
    engine.tag(built, name)
    return name


def _row(
    engine: DockerCli, image: ImageSpec, name: str, programs: Mapping[str, Program]
) -> InventoryRow:
    details = engine.image(name)
    assert details is not None  # just built, or listed
    version = name.partition(":")[2].removeprefix(image.prefix).removesuffix(LOCAL_SUFFIX)
    if image.programs:
        origin, sha256 = program_origin(programs[image.programs[0]])
    else:
        package = " ".join(engine.run_isolated(name, ("cat", "/etc/airgap")).split())
        origin, sha256 = f"{package} of {SUITE}", ""
    return InventoryRow(name, version, origin, sha256, details["Size"])


def hash_folder(folder: Path, below: str) -> str:
    """Return a hash of all files in a folder, their names, and the base's hash."""
    total = hashlib.sha256(below.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        runs = "runs" if path.stat().st_mode & 0o111 else ""
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder)}\0{runs}\0{content}\n".encode())
    return total.hexdigest()


def copy_programs(image: ImageSpec, programs: Mapping[str, Program], context: Path) -> None:
    """Copy an image's programs, under their names in PROGRAMS, and their data to `share`."""
    for name in image.programs:
        copied = context / name
        shutil.copyfile(programs[name].path, copied)
        copied.chmod(0o755)
        package = _SPECS[name].package
        if package and package.files:
            # The cached program has a relative data path; in an image, the original path is right.
            patch_path(copied, pad_path(DATA_FOLDER, len(package.files)), package.files)
    if image.share:
        program = programs[image.programs[0]].path
        home = program.parents[1] / "share" / image.share  # /usr/share for /usr/bin
        unpacked = program.resolve().parents[1]  # as in an archive of Grafana's own
        if (unpacked / "conf/defaults.ini").is_file():
            home = unpacked
        if home.is_dir():
            shutil.copytree(
                home,
                context / "share",
                copy_function=shutil.copyfile,
                ignore_dangling_symlinks=True,
            )
        else:
            (context / "share").mkdir()


def program_origin(program: Program) -> tuple[str, str]:
    """Return a package and its version, or a file, with its checksum."""
    package = _SPECS[program.name].package
    if package and program.origin == "cache":
        # The package's own file is deleted, and its changelog has its version.
        documents = program.path.parents[1] / "share/doc" / package.name
        version = "of unknown version"
        for file in sorted(documents.glob("changelog*.gz")):
            with gzip.open(file, "rt", errors="replace") as text:
                if match := re.match(r"\S+ \(([^)]+)\)", text.readline()):
                    version = match[1]
                    break
        return f"{package.name} {version} of the {package.suite.value}", ""
    digest = hashlib.sha256(program.path.read_bytes()).hexdigest()
    return f"{program.path} of this host", digest

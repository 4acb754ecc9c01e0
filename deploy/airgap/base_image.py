"""Build the base of all images: a minimal Debian from the distribution's packages."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.apt import FetchError, require_command, run, system_sources
from alertdrill.toolchain.cache import ProgressCallback
from alertdrill.toolchain.programs import find_command

from .images import SUITE

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
# Not needed in a container, and half of a minimal system. Licences stay.
_UNREAD = (
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)
# debootstrap copies these from the host; they do not belong in an image.
_HOSTS = ("etc/hostname", "etc/resolv.conf")


class BaseImageError(AlertdrillError):
    """The base image cannot be built."""


def ensure_rootfs(
    cache: Path, mirror: str | None, on_progress: ProgressCallback, *, fresh: bool = False
) -> Path:
    """Return the root file system's archive; it is built once and cached."""
    archive = cache / "images" / f"{SUITE}.tar.gz"
    if fresh or not archive.exists():
        _require_root()
        address = mirror or _mirror()
        archive.parent.mkdir(parents=True, exist_ok=True)
        on_progress(f"fetching {SUITE} from {address} …")
        try:
            _create_rootfs(archive, address)
        except FetchError as error:
            raise BaseImageError(
                f"cannot build the base image: {str(error).rstrip('.')}; fix this and try again."
            ) from error
    return archive


def copy_authorities(folder: Path, bundle: Path = AUTHORITIES) -> None:
    """Copy the host's certificate authorities below `folder`, in an image's layout.

    `update-ca-certificates` reads one file each; the bundle serves programs in images without that
    command.
    """
    folders = (
        folder / "usr/local/share/ca-certificates",
        folder / AUTHORITIES.parent.relative_to("/"),
    )
    for target in folders:
        target.mkdir(parents=True)
    if not bundle.exists():
        return
    text = bundle.read_text()
    (folders[1] / AUTHORITIES.name).write_text(text)
    for certificate in _CERTIFICATE.findall(text):
        name = hashlib.sha256(certificate.strip().encode()).hexdigest()[:16]
        (folders[0] / f"host-{name}.crt").write_text(certificate.strip() + "\n")


def _require_root() -> None:
    needs = "building the base image needs debootstrap"
    if find_command("debootstrap") is None:
        raise BaseImageError(f"{needs}, which is not installed: run `apt-get install debootstrap`.")
    if os.geteuid() != 0:
        raise BaseImageError(f"{needs}, which needs root: run this command as root.")


def _mirror() -> str:
    try:
        sources = system_sources()
        address = sources.own_archive().uri
    except FetchError as error:
        raise BaseImageError(f"no Debian mirror found: {error}; set one with --mirror.") from error
    if sources.distribution != "debian":
        raise BaseImageError(
            f"This host uses {sources.distribution.title()}, and the images use Debian packages:"
            " set a Debian mirror with --mirror."
        )
    return address


def _create_rootfs(target: Path, address: str) -> None:
    # In the cache, since 300 MB may not fit into a /tmp in memory.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".base-") as name:
        tree, archive = Path(name) / "tree", Path(name) / "archive"
        command = require_command("debootstrap")
        run([command, "--variant=minbase", SUITE, str(tree), address])
        _slim(tree)
        owners = ("--numeric-owner", "--sort=name", "--exclude=./dev/*", "--exclude=./proc/*")
        tar = require_command("tar")
        run([tar, "--create", "--gzip", *owners, f"--file={archive}", f"--directory={tree}", "."])
        archive.replace(target)


def _slim(tree: Path) -> None:
    for name in _UNREAD:
        for path in (tree / name).iterdir():
            _remove(path)
    for path in (tree / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()
    for name in _HOSTS:
        _remove(tree / name)
    for log in (tree / "var/log").rglob("*.log"):
        log.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Build the base of all images: a minimal Debian from the distribution's packages."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.apt import own_archive
from alertdrill.toolchain.cache import ProgressCallback
from alertdrill.toolchain.commands import CommandError, find_command, run

from .images import SUITE

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Not needed in a container, and half of a minimal system. debootstrap copies two from the host.
_UNREAD = (
    *("usr/share/info/*", "usr/share/locale/*", "usr/share/man/*"),
    *("var/cache/apt/*", "var/lib/apt/lists/*", "var/log/**/*.log"),
    *("etc/hostname", "etc/resolv.conf"),
)


def ensure_rootfs(
    cache: Path, mirror: str | None, on_progress: ProgressCallback, *, fresh: bool = False
) -> Path:
    """Return the root file system's archive; it is built once and cached."""
    archive = cache / "images" / f"{SUITE}.tar.gz"
    if archive.exists() and not fresh:
        return archive
    needs = "building the base image needs debootstrap"
    if find_command("debootstrap") is None:
        raise AlertdrillError(
            f"{needs}, which is not installed: run `apt-get install debootstrap`."
        )
    if os.geteuid() != 0:
        raise AlertdrillError(f"{needs}, which needs root: run this command as root.")
    address = mirror or _mirror()
    archive.parent.mkdir(parents=True, exist_ok=True)
    on_progress(f"fetching {SUITE} from {address} …")
    try:
        # In the cache, since 300 MB may not fit into a /tmp in memory.
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".base-") as name:
            tree, packed = Path(name) / "tree", Path(name) / "archive"
            run("debootstrap", "--variant=minbase", SUITE, str(tree), address)
            _slim(tree)
            owners = ("--numeric-owner", "--sort=name", "--exclude=./dev/*", "--exclude=./proc/*")
            places = (f"--file={packed}", f"--directory={tree}")
            run("tar", "--create", "--gzip", *owners, *places, ".")
            packed.replace(archive)
    except CommandError as error:
        raise AlertdrillError(
            f"cannot build the base image: {str(error).rstrip('.')}; fix this and try again."
        ) from error
    return archive


def _mirror() -> str:
    try:
        distribution, source = own_archive()
    except CommandError as error:
        raise AlertdrillError(f"no Debian mirror found: {error}; set one with --mirror.") from error
    if distribution != "debian":
        raise AlertdrillError(
            f"This host uses {distribution.title()}, and the images use Debian packages:"
            " set a Debian mirror with --mirror."
        )
    return source.uri


def _slim(tree: Path) -> None:
    documents = (tree / "usr/share/doc").rglob("*")
    unread = [path for path in documents if path.is_file() and path.name != "copyright"]
    for path in (*unread, *(path for pattern in _UNREAD for path in tree.glob(pattern))):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def copy_authorities(folder: Path, bundle: Path = AUTHORITIES) -> None:
    """Copy the host's certificate authorities below `folder`, in an image's layout.

    `update-ca-certificates` reads one file each; the bundle serves programs in images without that
    command.
    """
    single = folder / "usr/local/share/ca-certificates"
    whole = folder / AUTHORITIES.relative_to("/")
    single.mkdir(parents=True)
    whole.parent.mkdir(parents=True)
    if bundle.exists():
        shutil.copyfile(bundle, whole)
        for certificate in _CERTIFICATE.findall(bundle.read_text()):
            name = hashlib.sha256(certificate.encode()).hexdigest()[:16]
            (single / f"host-{name}.crt").write_text(certificate + "\n")

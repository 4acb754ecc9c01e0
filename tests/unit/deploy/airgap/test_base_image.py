import os
import shutil
import tarfile
from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.commands import CommandError
from deploy.airgap import base_image
from deploy.airgap.images import SUITE

FIRST = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
OTHER = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"


def no_progress(_: str) -> None:
    pass


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/sbin/{name}")


def test_cached_base_image_needs_no_debootstrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    cached = tmp_path / "images" / f"{SUITE}.tar.gz"
    cached.parent.mkdir()
    cached.write_bytes(b"files")
    assert base_image.ensure_rootfs(tmp_path, None, no_progress) == cached


def test_missing_debootstrap_is_an_error_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(AlertdrillError, match="apt-get install debootstrap"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


def test_build_without_root_is_refused(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(AlertdrillError, match="needs root"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


@pytest.mark.parametrize(
    ("name", "sources", "message"),
    [
        ("ubuntu", "deb http://mirror.test/ubuntu noble main", r"Ubuntu.*--mirror"),
        ("debian", "", "no Debian mirror found: .*--mirror"),
    ],
)
def test_host_without_a_debian_mirror_is_an_error(
    tmp_path: Path,
    root: None,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    sources: str,
    message: str,
) -> None:
    (tmp_path / "sources.list").write_text(sources)
    monkeypatch.setattr("alertdrill.toolchain.apt.SOURCES", tmp_path)
    release = {"ID": name, "VERSION_CODENAME": "noble"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    with pytest.raises(AlertdrillError, match=message):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


DEBOOTSTRAP = """#!/bin/sh
# debootstrap --variant=minbase SUITE TREE ADDRESS
echo "$2 $4" >"$FAKE/call"
for file in usr/share/doc/a/copyright usr/share/doc/a/changelog.gz usr/share/man/man1/a.1 \\
    var/log/apt/term.log var/log/kept var/cache/apt/pkgcache.bin etc/hostname etc/kept; do
    mkdir -p "$3/$(dirname $file)"; touch "$3/$file"
done
ln -s /nowhere "$3/usr/share/info"; ln -s ../a "$3/usr/share/man/link"
"""


def test_root_file_system_has_only_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("FAKE", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "debootstrap").write_text(DEBOOTSTRAP)
    (tmp_path / "bin" / "debootstrap").chmod(0o755)
    archive = base_image.ensure_rootfs(tmp_path, "http://mirror.test/debian", no_progress)
    assert (tmp_path / "call").read_text() == f"{SUITE} http://mirror.test/debian\n"
    with tarfile.open(archive) as files:
        names = {member.name for member in files if not member.isdir()}
    expected = {"usr/share/doc/a/copyright", "usr/share/info", "var/log/kept", "etc/kept"}
    assert names == {f"./{name}" for name in expected}
    assert [path.name for path in (tmp_path / "images").iterdir()] == [archive.name]


def test_failed_build_leaves_no_file(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise CommandError("no network (mirror.test)")

    monkeypatch.setattr(base_image, "run", fail)
    with pytest.raises(AlertdrillError, match="no network"):
        base_image.ensure_rootfs(tmp_path, "http://mirror.test/debian", no_progress)
    assert list((tmp_path / "images").iterdir()) == []


def test_each_certificate_authority_becomes_a_file(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text(f"# words between\n{FIRST}{OTHER}{FIRST}")
    base_image.copy_authorities(tmp_path / "image", bundle)
    files = (tmp_path / "image/usr/local/share/ca-certificates").iterdir()
    assert sorted(file.read_text() for file in files) == [FIRST, OTHER]
    whole = tmp_path / "image/etc/ssl/certs/ca-certificates.crt"
    assert whole.read_text() == bundle.read_text()


def test_host_without_a_bundle_copies_no_authorities(tmp_path: Path) -> None:
    base_image.copy_authorities(tmp_path / "image", tmp_path / "none.crt")
    assert [path for path in (tmp_path / "image").rglob("*") if path.is_file()] == []

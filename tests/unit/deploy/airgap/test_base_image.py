import os
import shutil
from pathlib import Path

import pytest

from alertdrill.toolchain.apt import FetchError, IndexTarget, SystemSources
from deploy.airgap import base_image
from deploy.airgap.base_image import BaseImageError
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
    with pytest.raises(BaseImageError, match="apt-get install debootstrap"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


def test_build_without_root_is_refused(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BaseImageError, match="needs root"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


def test_other_distribution_needs_a_mirror(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = [IndexTarget("http://mirror.test/ubuntu/", "noble", "main", "file")]
    ubuntu = SystemSources("ubuntu", "noble", targets, {})
    monkeypatch.setattr(base_image, "system_sources", lambda: ubuntu)
    with pytest.raises(BaseImageError, match=r"Ubuntu.*--mirror"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


def test_missing_mirror_is_an_error(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    debian = SystemSources("debian", "trixie", [], {})
    monkeypatch.setattr(base_image, "system_sources", lambda: debian)
    with pytest.raises(BaseImageError, match="no Debian mirror found"):
        base_image.ensure_rootfs(tmp_path, None, no_progress)


def test_failed_build_leaves_no_file(
    tmp_path: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise FetchError("no network (mirror.test)")

    monkeypatch.setattr(base_image, "run", fail)
    with pytest.raises(BaseImageError, match="no network"):
        base_image.ensure_rootfs(tmp_path, "http://mirror.test/debian", no_progress)
    assert list((tmp_path / "images").iterdir()) == []


def test_each_certificate_authority_becomes_a_file(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text(f"# words between\n{FIRST}{OTHER}{FIRST}")
    base_image.copy_authorities(tmp_path / "image", bundle)
    files = (tmp_path / "image/usr/local/share/ca-certificates").iterdir()
    assert {file.read_text() for file in files} == {FIRST, OTHER}
    whole = tmp_path / "image/etc/ssl/certs/ca-certificates.crt"
    assert whole.read_text() == bundle.read_text()


def test_host_without_a_bundle_copies_no_authorities(tmp_path: Path) -> None:
    base_image.copy_authorities(tmp_path / "image", tmp_path / "none.crt")
    assert [path for path in (tmp_path / "image").rglob("*") if path.is_file()] == []

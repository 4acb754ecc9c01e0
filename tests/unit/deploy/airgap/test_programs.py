import gzip
import hashlib
from pathlib import Path

import pytest

from alertdrill.toolchain.find import Program
from deploy.airgap.build import _SPECS, copy_programs, program_origin
from deploy.airgap.images import IMAGES, ImageSpec

BY_RECIPE = {image.recipe: image for image in IMAGES}
ALERTMANAGER = BY_RECIPE["alertmanager"]


def program(name: str, path: Path, origin: str = "path", content: bytes = b"program") -> Program:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Program(name, path, (1, 0), {}, "cache" if origin == "cache" else "path")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


def test_copied_program_is_executable(tmp_path: Path, context: Path) -> None:
    loki = program("loki", tmp_path / "bin/loki")
    copy_programs(BY_RECIPE["loki"], {"loki": loki}, context)
    assert (context / "loki").stat().st_mode & 0o777 == 0o755


def test_patched_path_is_restored_in_the_copy(tmp_path: Path, context: Path) -> None:
    default_path = b"/usr/share/prometheus/alertmanager"
    relocated = b"./" * 13 + b"/builtin"
    assert len(relocated) == len(default_path)
    resolved = {
        name: program(name, tmp_path / "usr/bin" / name, "cache", b"<" + relocated + b">")
        for name in ALERTMANAGER.programs
    }
    copy_programs(ALERTMANAGER, resolved, context)
    assert (context / "alertmanager").read_bytes() == b"<" + default_path + b">"


def test_data_folder_of_a_program_is_copied(tmp_path: Path, context: Path) -> None:
    resolved = {name: program(name, tmp_path / "usr/bin" / name) for name in ALERTMANAGER.programs}
    data = tmp_path / "usr/share/prometheus/alertmanager/ui"
    data.mkdir(parents=True)
    (data / "index.html").write_text("page")
    copy_programs(ALERTMANAGER, resolved, context)
    assert (context / "share/ui/index.html").read_text() == "page"


def test_program_without_data_copies_no_folder(tmp_path: Path, context: Path) -> None:
    resolved = {name: program(name, tmp_path / "opt/bin" / name) for name in ALERTMANAGER.programs}
    copy_programs(ALERTMANAGER, resolved, context)
    assert list((context / "share").iterdir()) == []


@pytest.mark.parametrize("home", ["usr/share/grafana", "opt/grafana"])
def test_home_of_grafana_is_copied(tmp_path: Path, context: Path, home: str) -> None:
    (tmp_path / home / "conf").mkdir(parents=True)
    (tmp_path / home / "conf/defaults.ini").write_text("[paths]")
    # A package has its program in /usr/bin; an archive of Grafana's own has it in the home.
    path = "usr/bin/grafana" if home.startswith("usr") else f"{home}/bin/grafana"
    resolved = program("grafana", tmp_path / path)
    copy_programs(BY_RECIPE["grafana"], {"grafana": resolved}, context)
    assert (context / "share/conf/defaults.ini").read_text() == "[paths]"


def test_origin_of_a_packaged_program_is_package_and_version(tmp_path: Path) -> None:
    changelog = tmp_path / "usr/share/doc/prometheus-pushgateway/changelog.Debian.gz"
    changelog.parent.mkdir(parents=True)
    changelog.write_bytes(gzip.compress(b"prometheus-pushgateway (1.11.2-1) unstable; urgency=low"))
    resolved = program("pushgateway", tmp_path / "usr/bin/prometheus-pushgateway", "cache")
    origin, _ = program_origin(resolved)
    assert origin == "prometheus-pushgateway 1.11.2-1 of the development suite"


def test_origin_of_a_host_program_has_its_checksum(tmp_path: Path) -> None:
    expected = (f"{tmp_path}/bin/loki of this host", hashlib.sha256(b"program").hexdigest())
    assert program_origin(program("loki", tmp_path / "bin/loki")) == expected


def test_origin_of_a_built_program_has_its_checksum(tmp_path: Path) -> None:
    text, sha256 = program_origin(program("otelcol", tmp_path / "built/otelcol", "cache"))
    assert text == f"{tmp_path}/built/otelcol of this host"
    assert sha256


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.repository)
def test_every_image_uses_known_programs(image: ImageSpec) -> None:
    assert set(image.programs) <= set(_SPECS)

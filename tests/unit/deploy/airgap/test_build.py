from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.commands import CommandError
from alertdrill.toolchain.find import Program, ResolvedPrograms
from deploy.airgap import build
from deploy.airgap.build import BuildResult, build_images, hash_folder
from deploy.airgap.images import BASE, IMAGES, ImageSpec

Build = Callable[..., BuildResult]
BY_RECIPE = {image.recipe: image for image in IMAGES}
SPECS = [BY_RECIPE["prometheus"], BY_RECIPE["loki"], BY_RECIPE["haproxy"]]
ANSWERS = {
    "/bin/prometheus": "prometheus, version 3.5.3+ds1 (branch: x, go1.24.4)",
    "/usr/bin/loki": "loki, version 3.4.3 (branch: HEAD, revision: 9d76a5b)",
    "/otelcol-contrib": "otelcol-contrib version 0.148.0",
    "haproxy": "HAProxy version 3.0.11-1 2026/10/15 - https://haproxy.org/",
    "cat": "haproxy\t3.0.11-1\n",
}


class FakeEngine:
    """An engine that keeps its images in memory."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # of what they were made from
        self.built = 0
        self.broken: set[str] = set()

    def built_from(self, inputs: str) -> list[str]:
        return [name for name, hash_ in self.names.items() if hash_ == inputs]

    def build(self, context: Path, inputs: str, arguments: Mapping[str, str]) -> str:
        assert (context / "Dockerfile").exists()
        if context.name in self.broken:
            raise CommandError("docker build failed: E: no package.")
        self.built += 1
        return inputs

    def tag(self, image: str, name: str) -> None:
        self.names[name] = image

    def image(self, name: str) -> dict[str, Any]:
        return {"Id": name, "Size": 7}

    def run_isolated(self, image: str, command: Sequence[str]) -> str:
        return ANSWERS[command[0]]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Program]:
    resolved = {}
    for name in ("prometheus", "promtool", "loki", "otelcol"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        resolved[name] = Program(name, path, (1, 0), {}, "path")
    monkeypatch.setattr(build, "resolve_programs", lambda *_: ResolvedPrograms(resolved, ()))
    monkeypatch.setattr(build, "copy_authorities", lambda folder: folder.mkdir())
    return resolved


@pytest.fixture
def run(engine: Any, programs: object, tmp_path: Path) -> Build:
    """Return a function that builds images, those of SPECS by default."""
    rootfs = tmp_path / "rootfs"
    rootfs.write_bytes(b"files")
    return lambda images=SPECS: build_images(engine, rootfs, tmp_path, lambda _: None, images)


def test_image_tag_is_the_version_of_the_program(run: Build, engine: FakeEngine) -> None:
    run()
    names = {BASE, "prom/prometheus:v3.5.3-local", "grafana/loki:3.4.3-local"}
    assert set(engine.names) == names | {"haproxy:3.0.11-local"}


def test_unchanged_inputs_are_not_rebuilt(run: Build, engine: FakeEngine) -> None:
    first = run()
    built = engine.built
    assert run() == first
    assert engine.built == built


def test_changed_program_rebuilds_its_image(
    run: Build, engine: FakeEngine, programs: dict[str, Program]
) -> None:
    run()
    built = engine.built
    programs["loki"].path.write_bytes(b"another")
    run()
    assert engine.built == built + 1


def test_changed_base_image_rebuilds_everything(
    run: Build, engine: FakeEngine, tmp_path: Path
) -> None:
    run()
    (tmp_path / "rootfs").write_bytes(b"other files")
    run()
    assert engine.built == 2 * (len(SPECS) + 1)


def test_variables_name_the_built_versions(run: Build) -> None:
    result = run()
    assert result.values == {
        "PULL_POLICY": "never",
        "PROMETHEUS_VERSION": "v3.5.3-local",
        "LOKI_VERSION": "3.4.3-local",
        "LOKI_REPLICAS": "1",
        "HAPROXY_VERSION": "3.0.11-local",
    }


def test_origin_of_a_program_is_its_package_or_file(run: Build, tmp_path: Path) -> None:
    prometheus, _, haproxy = run().rows
    assert haproxy.origin == "haproxy 3.0.11-1 of trixie"
    assert prometheus.origin == f"{tmp_path}/bin/prometheus of this host"
    assert prometheus.version == "3.5.3"


def test_missing_optional_program_leaves_its_image_out(
    run: Build, programs: dict[str, Program]
) -> None:
    del programs["loki"]
    result = run()
    assert result.values["LOKI_REPLICAS"] == "0"
    assert "LOKI_VERSION" not in result.values
    assert result.missing[0].startswith("no image grafana/loki: loki is not on the PATH")


def test_collector_without_loki_is_left_out(run: Build, programs: dict[str, Program]) -> None:
    log_images = [BY_RECIPE["loki"], BY_RECIPE["collector"]]
    assert run(log_images).values["COLLECTOR_REPLICAS"] == "1"
    del programs["loki"]
    assert run(log_images).values["COLLECTOR_REPLICAS"] == "0"


def test_optional_image_that_fails_to_build_is_left_out(run: Build, engine: FakeEngine) -> None:
    engine.broken = {"loki"}
    assert run().values["LOKI_REPLICAS"] == "0"


def test_required_image_that_fails_to_build_is_an_error(run: Build, engine: FakeEngine) -> None:
    engine.broken = {"haproxy"}
    with pytest.raises(AlertdrillError, match=r"cannot build haproxy: .* E: no package"):
        run()


def test_program_without_a_version_is_refused(run: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "haproxy", "usage:")
    with pytest.raises(AlertdrillError, match="haproxy -v prints no version"):
        run()


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.repository)
def test_only_images_of_host_programs_have_a_replicas_variable(image: ImageSpec) -> None:
    # Only an image built from a program of the host can be missing.
    assert bool(image.replicas) == (image.recipe in ("loki", "collector", "grafana"))


def test_folder_hash_covers_names_contents_and_modes(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text("1")
    hashes = {hash_folder(tmp_path, ""), hash_folder(tmp_path, "below")}
    file.chmod(0o755)
    hashes.add(hash_folder(tmp_path, ""))
    file.write_text("2")
    hashes.add(hash_folder(tmp_path, ""))
    file.rename(tmp_path / "two")
    hashes.add(hash_folder(tmp_path, ""))
    assert len(hashes) == 5

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alertdrill.images import build
from alertdrill.images.build import ImageBuilder, hash_folder
from alertdrill.images.errors import BuildError, EngineError
from alertdrill.images.specs import BASE, IMAGES, ImageSpec
from alertdrill.toolchain import Program, ResolvedPrograms

BY_RECIPE = {image.recipe: image for image in IMAGES}
WANTED = [BY_RECIPE["prometheus"], BY_RECIPE["loki"], BY_RECIPE["haproxy"]]
ANSWERS = {
    "/bin/prometheus": "prometheus, version 3.5.3+ds1 (branch: x, go1.24.4)",
    "/usr/bin/loki": "loki, version 3.4.3 (branch: HEAD, revision: 9d76a5b)",
    "/otelcol-contrib": "otelcol-contrib version 0.148.0",
    "haproxy": "HAProxy version 3.0.11-1 2026/10/15 - https://haproxy.org/",
    "cat": "haproxy\t3.0.11-1\n",
}


class FakeEngine:
    """Keeps what it built in memory."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # of what they were made from
        self.built = 0
        self.broken: set[str] = set()

    def built_from(self, inputs: str) -> list[str]:
        return [name for name, made in self.names.items() if made == inputs]

    def build(self, context: Path, inputs: str, arguments: Mapping[str, str]) -> str:
        assert (context / "Dockerfile").exists()
        if context.name in self.broken:
            raise EngineError("docker build failed: E: no package.")
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
    found = {}
    for name in ("prometheus", "promtool", "loki", "otelcol"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        found[name] = Program(name, path, (1, 0), {}, "path")
    monkeypatch.setattr(build, "find", lambda *_: ResolvedPrograms(found, ()))
    monkeypatch.setattr(build, "copy_authorities", lambda folder: folder.mkdir())
    return found


@pytest.fixture
def builder(engine: Any, programs: object, tmp_path: Path) -> ImageBuilder:
    (tmp_path / "rootfs").write_bytes(b"files")
    return ImageBuilder(engine, tmp_path / "rootfs", tmp_path, lambda _: None)


def test_tag_is_the_programs_version(builder: ImageBuilder, engine: FakeEngine) -> None:
    builder.build_all(WANTED)
    names = {BASE, "prom/prometheus:v3.5.3-local", "grafana/loki:3.4.3-local"}
    assert set(engine.names) == names | {"haproxy:3.0.11-local"}


def test_same_inputs_are_not_built_again(builder: ImageBuilder, engine: FakeEngine) -> None:
    first = builder.build_all(WANTED)
    built = engine.built
    assert builder.build_all(WANTED) == first
    assert engine.built == built


def test_other_program_is_built_again(
    builder: ImageBuilder, engine: FakeEngine, programs: dict[str, Program]
) -> None:
    builder.build_all(WANTED)
    built = engine.built
    programs["loki"].path.write_bytes(b"another")
    builder.build_all(WANTED)
    assert engine.built == built + 1


def test_other_base_builds_all_again(
    builder: ImageBuilder, engine: FakeEngine, tmp_path: Path
) -> None:
    builder.build_all(WANTED)
    (tmp_path / "rootfs").write_bytes(b"other files")
    builder.build_all(WANTED)
    assert engine.built == 2 * (len(WANTED) + 1)


def test_variables_say_what_is_here(builder: ImageBuilder) -> None:
    made = builder.build_all(WANTED)
    assert made.values == {
        "PULL_POLICY": "never",
        "PROMETHEUS_VERSION": "v3.5.3-local",
        "LOKI_VERSION": "3.4.3-local",
        "LOKI_REPLICAS": "1",
        "HAPROXY_VERSION": "3.0.11-local",
    }


def test_origin_is_package_or_file(builder: ImageBuilder, tmp_path: Path) -> None:
    prometheus, _, haproxy = builder.build_all(WANTED).rows
    assert haproxy.origin == "haproxy 3.0.11-1 of trixie"
    assert prometheus.origin == f"{tmp_path}/bin/prometheus of this host"
    assert prometheus.version == "3.5.3"


def test_absent_program_is_named(builder: ImageBuilder, programs: dict[str, Program]) -> None:
    del programs["loki"]
    made = builder.build_all(WANTED)
    assert made.values["LOKI_REPLICAS"] == "0"
    assert "LOKI_VERSION" not in made.values
    assert made.missing[0].startswith("no image grafana/loki: loki is not on the PATH")


def test_collector_without_loki_is_left_out(
    builder: ImageBuilder, programs: dict[str, Program]
) -> None:
    carrying = [BY_RECIPE["loki"], BY_RECIPE["collector"]]
    assert builder.build_all(carrying).values["COLLECTOR_REPLICAS"] == "1"
    del programs["loki"]
    assert builder.build_all(carrying).values["COLLECTOR_REPLICAS"] == "0"


def test_broken_optional_image_is_left_out(builder: ImageBuilder, engine: FakeEngine) -> None:
    engine.broken = {"loki"}
    assert builder.build_all(WANTED).values["LOKI_REPLICAS"] == "0"


def test_broken_needed_image_ends_it(builder: ImageBuilder, engine: FakeEngine) -> None:
    engine.broken = {"haproxy"}
    with pytest.raises(BuildError, match=r"cannot build haproxy: .* E: no package"):
        builder.build_all(WANTED)


def test_program_without_a_version_is_refused(
    builder: ImageBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, "haproxy", "usage:")
    with pytest.raises(BuildError, match="haproxy -v prints no version"):
        builder.build_all(WANTED)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.repository)
def test_absent_image_needs_its_variable(image: ImageSpec) -> None:
    # Only what runs on nothing but a host's own program can be absent.
    assert bool(image.replicas) == (image.recipe in ("loki", "collector", "grafana"))


def test_hash_covers_names_contents_modes(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text("1")
    seen = {hash_folder(tmp_path, ""), hash_folder(tmp_path, "below")}
    file.chmod(0o755)
    seen.add(hash_folder(tmp_path, ""))
    file.write_text("2")
    seen.add(hash_folder(tmp_path, ""))
    file.rename(tmp_path / "two")
    seen.add(hash_folder(tmp_path, ""))
    assert len(seen) == 5

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.collector import build_collector
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS

Build = Callable[[], Path]
Machine = Any  # the fixture's own class; test folders are no packages to import it from
MANIFEST = "dist:\n  name: otelcol\n  version: 0.148.0\n"
# Plays `go run BUILDER --config manifest.yml`.
GO = """#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >>"$FAKE/go.log"
env | grep -c '^CGO_ENABLED=0$' >>"$FAKE/go.log"
/bin/mkdir -p built
printf '#!/bin/sh\\necho "otelcol version 0.148.0"\\n' >built/otelcol
/bin/chmod +x built/otelcol
"""
FAILING = """#!/bin/sh
/bin/mkdir -p built; echo half >built/otelcol
echo 'go: example.org/x@v1: Get "https://proxy.example/x.zip": connection refused' >&2
exit 1
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "manifest.yml"
    file.write_text(MANIFEST)
    return file


@pytest.fixture
def root(machine: Machine) -> Path:
    """Return the folder of the cache on a machine with Go."""
    machine.install("go", GO)
    return Path(machine.cache) / "programs"


@pytest.fixture
def build(root: Path, manifest: Path, machine: Machine) -> Build:
    return lambda: build_collector(manifest, machine.cache, lambda _: None)


def calls(machine: Machine) -> int:
    log = machine.folder / "go.log"
    return log.read_text().count("run ") if log.exists() else 0


def test_builder_version_is_read_from_the_manifest(build: Build, machine: Machine) -> None:
    build()
    call, is_static = (machine.folder / "go.log").read_text().splitlines()
    assert call.startswith("run go.opentelemetry.io/collector/cmd/builder@v0.148.0 --config ")
    assert is_static == "1"


def test_built_collector_is_resolved(build: Build, machine: Machine) -> None:
    built = build()
    specs = [program for program in PROGRAMS if program.name == "otelcol"]
    resolved = resolve_programs(specs, machine.cache, lambda _: None)
    assert resolved.programs["otelcol"].path == built
    assert resolved.programs["otelcol"].version == (0, 148, 0)
    assert resolved.missing == ()


def test_collector_on_the_path_wins_over_the_built_one(build: Build, machine: Machine) -> None:
    build()
    machine.install_program("otelcol-contrib", "0.150.0")
    specs = [program for program in PROGRAMS if program.name == "otelcol"]
    resolved = resolve_programs(specs, machine.cache, lambda _: None)
    assert resolved.programs["otelcol"].origin == "path"


def test_unchanged_manifest_is_not_rebuilt(build: Build, machine: Machine) -> None:
    build()
    build()
    assert calls(machine) == 1


def test_changed_manifest_is_rebuilt(
    build: Build, root: Path, manifest: Path, machine: Machine
) -> None:
    build()
    manifest.write_text(MANIFEST + "receivers: []\n")
    build()
    assert calls(machine) == 2
    assert {path.name for path in root.glob("*")} == {"lock", "built-otelcol"}


def test_failed_build_keeps_the_previous_program(
    build: Build, root: Path, manifest: Path, machine: Machine
) -> None:
    built = build()
    before = built.read_text()
    machine.install("go", FAILING)
    manifest.write_text(MANIFEST + "receivers: []\n")
    with pytest.raises(AlertdrillError):
        build()
    assert built.read_text() == before
    assert not list(root.glob(".fetch-*"))


def test_failure_message_contains_no_url(build: Build, machine: Machine) -> None:
    machine.install("go", FAILING)
    with pytest.raises(AlertdrillError) as error:
        build()
    assert str(error.value) == (
        "The collector could not be built: go: example.org/x@v1: Get its address connection"
        " refused; fix it and run `alertdrill build-collector` again."
    )


def test_killed_build_leaves_no_partial_program(
    build: Build, root: Path, manifest: Path, machine: Machine
) -> None:
    # This build prints a line after it started to write, and never ends.
    machine.install("go", "#!/bin/sh\n/bin/mkdir built\n>built/otelcol\necho\nexec /bin/sleep 60\n")
    script = (
        "import sys; from pathlib import Path;"
        "from alertdrill.toolchain.collector import build_collector;"
        "build_collector(Path(sys.argv[1]), Path(sys.argv[2]), print)"
    )
    command = [sys.executable, "-c", script, str(manifest), str(machine.cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as build_process:
        assert build_process.stdout
        assert build_process.stdout.readline()  # The build started.
        os.killpg(build_process.pid, signal.SIGKILL)
    assert not (root / "built-otelcol").exists()
    machine.install("go", GO)
    build()
    assert not list(root.glob(".fetch-*"))


def test_missing_go_is_an_error(build: Build, machine: Machine) -> None:
    machine.remove("go")
    with pytest.raises(AlertdrillError, match="Go is not installed"):
        build()


def test_built_collector_needs_no_go(build: Build, machine: Machine) -> None:
    built = build()
    machine.remove("go")
    assert build() == built


def test_manifest_without_version_is_refused(build: Build, manifest: Path) -> None:
    manifest.write_text("dist:\n  name: otelcol\n")
    with pytest.raises(AlertdrillError, match="no version"):
        build()

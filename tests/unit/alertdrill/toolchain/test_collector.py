import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import PackageCache
from alertdrill.toolchain.collector import build_collector
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS

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
def store(machine: Machine) -> PackageCache:
    machine.install("go", GO)
    return PackageCache(machine.cache)


def build(store: PackageCache, manifest: Path, machine: Machine) -> Path:
    return build_collector(manifest, machine.cache, lambda _: None)


def calls(machine: Machine) -> int:
    log = machine.folder / "go.log"
    return log.read_text().count("run ") if log.exists() else 0


def test_builder_version_is_read_from_the_manifest(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    build(store, manifest, machine)
    call, is_static = (machine.folder / "go.log").read_text().splitlines()
    assert call.startswith("run go.opentelemetry.io/collector/cmd/builder@v0.148.0 --config ")
    assert is_static == "1"


def test_built_collector_is_resolved(store: PackageCache, manifest: Path, machine: Machine) -> None:
    built = build(store, manifest, machine)
    specs = [program for program in PROGRAMS if program.name == "otelcol"]
    resolved = resolve_programs(specs, machine.cache, lambda _: None)
    assert resolved.programs["otelcol"].path == built
    assert resolved.programs["otelcol"].version == (0, 148, 0)
    assert resolved.missing == ()


def test_collector_on_the_path_wins_over_the_built_one(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    build(store, manifest, machine)
    machine.install_program("otelcol-contrib", "0.150.0")
    specs = [program for program in PROGRAMS if program.name == "otelcol"]
    resolved = resolve_programs(specs, machine.cache, lambda _: None)
    assert resolved.programs["otelcol"].origin == "path"


def test_unchanged_manifest_is_not_rebuilt(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    build(store, manifest, machine)
    build(store, manifest, machine)
    assert calls(machine) == 1


def test_changed_manifest_is_rebuilt(store: PackageCache, manifest: Path, machine: Machine) -> None:
    build(store, manifest, machine)
    manifest.write_text(MANIFEST + "receivers: []\n")
    build(store, manifest, machine)
    assert calls(machine) == 2
    assert {path.name for path in store.root.glob("*")} == {"lock", "built-otelcol"}


def test_failed_build_keeps_the_previous_program(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    built = build(store, manifest, machine)
    before = built.read_text()
    machine.install("go", FAILING)
    manifest.write_text(MANIFEST + "receivers: []\n")
    with pytest.raises(AlertdrillError):
        build(store, manifest, machine)
    assert built.read_text() == before
    assert not list(store.root.glob(".fetch-*"))


def test_failure_message_contains_no_url(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    machine.install("go", FAILING)
    with pytest.raises(AlertdrillError) as error:
        build(store, manifest, machine)
    assert str(error.value) == (
        "The collector could not be built: go: example.org/x@v1: Get its address connection"
        " refused; fix it and run `alertdrill build-collector` again."
    )


def test_killed_build_leaves_no_partial_program(
    store: PackageCache, manifest: Path, machine: Machine
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
    assert not (store.root / "built-otelcol").exists()
    machine.install("go", GO)
    build(store, manifest, machine)
    assert not list(store.root.glob(".fetch-*"))


def test_missing_go_is_an_error(store: PackageCache, manifest: Path, machine: Machine) -> None:
    machine.remove("go")
    with pytest.raises(AlertdrillError, match="Go is not installed"):
        build(store, manifest, machine)


def test_built_collector_needs_no_go(store: PackageCache, manifest: Path, machine: Machine) -> None:
    built = build(store, manifest, machine)
    machine.remove("go")
    assert build(store, manifest, machine) == built


def test_manifest_without_version_is_refused(
    store: PackageCache, manifest: Path, machine: Machine
) -> None:
    manifest.write_text("dist:\n  name: otelcol\n")
    with pytest.raises(AlertdrillError, match="no version"):
        build(store, manifest, machine)

"""Build the OpenTelemetry Collector with its builder, on hosts with Go and no collector."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from alertdrill.toolchain.errors import BuildError
from alertdrill.toolchain.package_cache import WORK_PREFIX, PackageCache, ProgressCallback

BUILDER = "go.opentelemetry.io/collector/cmd/builder"
# The built program and its manifest, in one folder.
PROGRAM, MANIFEST = "otelcol", "manifest.yml"
# Seconds; a first build on two cores takes seven minutes.
TIMEOUT = 3600


def build_collector(
    manifest: Path, store: PackageCache, search_path: str, on_progress: ProgressCallback
) -> Path:
    """Return the collector of a manifest; build it unless it is already built.

    Raises BuildError with the reason; leaves no partial build.
    """
    text = manifest.read_text()
    place = store.built(PROGRAM)
    with store.locked(on_progress):
        store.clear()
        if not _is_built(place, text):
            go = _go(search_path)
            on_progress("building the collector, which takes minutes the first time …")
            _build(go, text, place)
    return place / PROGRAM


def _is_built(place: Path, text: str) -> bool:
    kept = place / MANIFEST
    return kept.exists() and kept.read_text() == text


def _go(search_path: str) -> str:
    go = shutil.which("go", path=search_path)
    if go is None:
        raise BuildError(
            "Go is not installed, so the collector cannot be built: install Go,"
            " or put a collector (otelcol or otelcol-contrib) on the PATH."
        )
    return go


def _build(go: str, text: str, place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=place.parent) as name:
        work, fresh = Path(name), Path(name) / "fresh"
        (work / MANIFEST).write_text(text)
        _run([go, "run", f"{BUILDER}@v{version(text)}", "--config", MANIFEST], work)
        fresh.mkdir()
        (work / "built" / PROGRAM).rename(fresh / PROGRAM)
        (fresh / MANIFEST).write_text(text)
        if place.exists():
            place.rename(work / "old")  # goes with the work folder
        fresh.rename(place)


def version(manifest: str) -> str:
    """Return the collector's version in a manifest, which is the builder's too."""
    match = re.search(r"^  version: (\S+)$", manifest, re.MULTILINE)
    if match is None:
        raise BuildError("The collector's manifest has no version: add one under `dist`.")
    return match[1]


def _run(command: list[str], work: Path) -> None:
    # Statically linked, so that it runs in any image. The user's flags and workspace may belong to
    # another module.
    own = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=work,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"The collector was not built within {TIMEOUT // 60} minutes: try again;"
            " downloads and compiled packages are cached."
        ) from error
    except OSError as error:
        raise BuildError(f"Go does not run ({error.strerror}): repair its installation.") from error
    if done.returncode != 0 or not (work / "built" / PROGRAM).is_file():
        raise BuildError(
            f"The collector could not be built: {reason(done.stdout)};"
            " fix it and run `alertdrill build-collector` again."
        )


def reason(output: str) -> str:
    """Return the last meaningful line, without the address of the download."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    messages = [line for line in lines if not re.match(r"(exit status|Usage:|-)", line)]
    last = messages[-1] if messages else "Go failed without a message"
    return re.sub(r'"?https?://\S+', "its address", last).rstrip(".:;")

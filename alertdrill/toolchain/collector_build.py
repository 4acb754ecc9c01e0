"""Build the collector with OpenTelemetry's own builder, where there is Go and no collector."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from alertdrill.toolchain.errors import BuildError
from alertdrill.toolchain.package_cache import WORK_PREFIX, PackageCache, ProgressCallback

BUILDER = "go.opentelemetry.io/collector/cmd/builder"
# What was built, beside what it was built from.
PROGRAM, MANIFEST = "otelcol", "manifest.yml"
# Seconds; two cores that have nothing yet take some seven minutes.
TIMEOUT = 3600


def build_collector(
    manifest: Path, store: PackageCache, search_path: str, on_progress: ProgressCallback
) -> Path:
    """Return the collector that `manifest` describes, building it unless that was done before.

    Raises BuildError with the reason; nothing is left half done.
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
            "There is no Go on this machine to build the collector with: install Go,"
            " or a collector (otelcol or otelcol-contrib) so that the PATH leads to it."
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
    """Return the version of the collector that a manifest describes, which is the builder's too."""
    found = re.search(r"^  version: (\S+)$", manifest, re.MULTILINE)
    if found is None:
        raise BuildError("The collector's manifest has no version: add one under `dist`.")
    return found[1]


def _run(command: list[str], work: Path) -> None:
    # Linked to nothing of this host, so that it runs in an image of another as well. The user's
    # own flags and workspace may be about another module.
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
            f"The collector was not built within {TIMEOUT // 60} minutes: try again, what was"
            " fetched and compiled is kept."
        ) from error
    except OSError as error:
        raise BuildError(f"Go does not run ({error.strerror}): mend its installation.") from error
    if done.returncode != 0 or not (work / "built" / PROGRAM).is_file():
        raise BuildError(
            f"The collector could not be built: {reason(done.stdout)};"
            " see to it and run `alertdrill build-collector` again."
        )


def reason(output: str) -> str:
    """Return the last line that says something, without the address that it was asked of."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if not re.match(r"(exit status|Usage:|-)", line)]
    last = said[-1] if said else "Go failed without saying why"
    return re.sub(r'"?https?://\S+', "its address", last).rstrip(".:;")

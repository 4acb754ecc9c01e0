"""Build the OpenTelemetry Collector with its builder, on hosts with Go and no collector."""

import os
import re
import subprocess
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import PackageCache, ProgressCallback
from alertdrill.toolchain.programs import find_command

BUILDER = "go.opentelemetry.io/collector/cmd/builder"
# The built program and its manifest, in one folder.
PROGRAM, MANIFEST = "otelcol", "manifest.yml"
# A first build on two cores takes seven minutes.
TIMEOUT_S = 3600
# Statically linked, so that it runs in any image. The user's flags and workspace may belong to
# another module.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


class BuildError(AlertdrillError):
    """The collector could not be built."""


def build_collector(manifest: Path, cache: Path, on_progress: ProgressCallback) -> Path:
    """Return the collector of a manifest; build it unless it is already built.

    Raises BuildError with the reason; leaves no partial build.
    """
    text = manifest.read_text()
    store = PackageCache(cache)
    place = store.built(PROGRAM)
    with store.locked(on_progress):
        built = place / MANIFEST
        if not built.exists() or built.read_text() != text:
            go = find_command("go")
            if go is None:
                raise BuildError(
                    "Go is not installed, so the collector cannot be built: install Go,"
                    " or put a collector (otelcol or otelcol-contrib) on the PATH."
                )
            on_progress("building the collector, which takes minutes the first time …")
            with store.work_folder() as work:
                (work / MANIFEST).write_text(text)
                _run([go, "run", f"{BUILDER}@v{version(text)}", "--config", MANIFEST], work)
                fresh = work / "fresh"
                fresh.mkdir()
                (work / "built" / PROGRAM).rename(fresh / PROGRAM)
                (work / MANIFEST).rename(fresh / MANIFEST)
                store.put(fresh, place)
    return place / PROGRAM


def version(manifest: str) -> str:
    """Return the collector's version in a manifest, which is the builder's too."""
    match = re.search(r"^  version: (\S+)$", manifest, re.MULTILINE)
    if match is None:
        raise BuildError("The collector's manifest has no version: add one under `dist`.")
    return match[1]


def _run(command: list[str], work: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=work,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"The collector was not built within {TIMEOUT_S // 60} minutes: try again;"
            " downloads and compiled packages are cached."
        ) from error
    except OSError as error:
        raise BuildError(f"Go does not run ({error.strerror}): repair its installation.") from error
    if done.returncode != 0 or not (work / "built" / PROGRAM).is_file():
        raise BuildError(
            f"The collector could not be built: {failure_reason(done.stdout)};"
            " fix it and run `alertdrill build-collector` again."
        )


def failure_reason(output: str) -> str:
    """Return the last meaningful line, without the address of the download."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    messages = [line for line in lines if not re.match(r"(exit status|Usage:|-)", line)]
    last = messages[-1] if messages else "Go failed without a message"
    return re.sub(r'"?https?://\S+', "its address", last).rstrip(".:;")

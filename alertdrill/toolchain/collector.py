"""Build the OpenTelemetry Collector with its builder, on hosts with Go and no collector."""

import re
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import PackageCache, ProgressCallback
from alertdrill.toolchain.commands import CommandError, find_command, run

BUILDER = "go.opentelemetry.io/collector/cmd/builder"
# The built program and its manifest, in one folder.
PROGRAM, MANIFEST = "otelcol", "manifest.yml"
# A first build on two cores takes seven minutes.
TIMEOUT_S = 3600
# Statically linked, so that it runs in any image. The user's flags and workspace may belong to
# another module.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


def build_collector(manifest: Path, cache: Path, on_progress: ProgressCallback) -> Path:
    """Return the collector of a manifest; build it unless it is already built.

    Raises `AlertdrillError` with the reason; leaves no partial build.
    """
    text = manifest.read_text()
    # The builder has the version of the collector.
    version = re.search(r"^  version: (\S+)$", text, re.MULTILINE)
    if version is None:
        raise AlertdrillError("The collector's manifest has no version: add one under `dist`.")
    store = PackageCache(cache)
    place = store.root / f"built-{PROGRAM}"
    with store.locked(on_progress) as work:
        built = place / MANIFEST
        if built.exists() and built.read_text() == text:
            return place / PROGRAM
        if find_command("go") is None:
            raise AlertdrillError(
                "Go is not installed, so the collector cannot be built: install Go,"
                " or put a collector (otelcol or otelcol-contrib) on the PATH."
            )
        on_progress("building the collector, which takes minutes the first time …")
        fresh = work / place.name
        fresh.mkdir()
        (fresh / MANIFEST).write_text(text)
        command = ("go", "run", f"{BUILDER}@v{version[1]}", "--config", str(fresh / MANIFEST))
        try:
            run(*command, cwd=work, timeout=TIMEOUT_S, **ENVIRONMENT)
        except CommandError as error:
            # The address of a download helps no reader.
            reason = re.sub(r'"?https?://\S+', "its address", str(error)).rstrip(".:;")
            raise AlertdrillError(
                f"The collector could not be built: {reason};"
                " fix it and run `alertdrill build-collector` again."
            ) from error
        (work / "built" / PROGRAM).rename(fresh / PROGRAM)
        store.put(fresh)
    return place / PROGRAM

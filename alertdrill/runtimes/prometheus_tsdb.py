"""Backfill and delete Prometheus series, in an ephemeral stack only.

Prometheus notices a new block in its folder once a minute, when it starts, or when it rewrites
one of its own blocks. Only the last can be requested: a block of markers exists from the start,
and each deleted marker makes Prometheus rewrite that block.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from ..clients import http
from ..errors import AlertdrillError
from .errors import checker_error

# The markers' series. Each backfill uses one up, so this is the limit of one ephemeral stack.
MARKER_SERIES, MAX_BACKFILLS = "alertdrill_backfill_marker", 1000
# Markers are a millisecond apart and end this many seconds before Prometheus starts.
MARKER_LEAD_S = 2.0
# Write up to this range as one block: blocks of 2 h would be read through as often.
MAX_BLOCK_DURATION = "31d"
# Deleting and rewriting take well under a second, and longer on a busy machine.
TIMEOUT_S = 30.0


class TsdbError(AlertdrillError):
    """Series could not be backfilled or deleted."""


@dataclass(frozen=True)
class TsdbStore:
    """A Prometheus of an ephemeral stack: storage folder, URL, retention and promtool."""

    folder: Path
    url: str
    retention: str
    promtool: Path


def write_markers(store: TsdbStore) -> None:
    """Write the block of markers into the folder of a Prometheus that is not started yet."""
    start = time.time() - MARKER_LEAD_S
    lines = [f"{MARKER_SERIES} 1 {start + number / 1000:.3f}\n" for number in range(MAX_BACKFILLS)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks.txt"
        file.write_text("".join([*lines, "# EOF\n"]))
        _create_blocks(store, file)


def backfill(store: TsdbStore, openmetrics: Path) -> None:
    """Load the samples of an OpenMetrics file (timestamps in seconds) and wait for them."""
    mark = _next_marker(store)
    _create_blocks(store, openmetrics)
    _admin(store, "delete_series", {"match[]": MARKER_SERIES, "start": mark, "end": mark})
    _admin(store, "clean_tombstones", {})


def delete_series(store: TsdbStore) -> None:
    """Delete every sample up to now, backfilled or scraped."""
    everything = f'{{__name__=~".+",__name__!="{MARKER_SERIES}"}}'
    _admin(store, "delete_series", {"match[]": everything})
    _admin(store, "clean_tombstones", {})


def has_markers(store: TsdbStore) -> bool:
    """Return whether Prometheus has markers, so that a backfill is possible."""
    return bool(_markers(store))


def _create_blocks(store: TsdbStore, file: Path) -> None:
    result = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [
            *(str(store.promtool), "tsdb", "create-blocks-from", "openmetrics"),
            *(f"--max-block-duration={MAX_BLOCK_DURATION}", str(file), str(store.folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise TsdbError(f"{file.name} can't be backfilled: {checker_error(result.stderr)}")


def _next_marker(store: TsdbStore) -> str:
    markers = _markers(store)
    if not markers:
        raise TsdbError(
            f"This stack was backfilled {MAX_BACKFILLS} times: start a new ephemeral stack."
        )
    return str(markers[0][0])


def _markers(store: TsdbStore) -> Sequence[tuple[float, str]]:
    # As far back as the retention.
    response = _call(
        "get", f"{store.url}/api/v1/query", {"query": f"{MARKER_SERIES}[{store.retention}]"}
    )
    try:
        markers: Sequence[tuple[float, str]] = response.json()["data"]["result"][0]["values"]
    except (ValueError, LookupError):
        return ()
    return markers


def _admin(store: TsdbStore, name: str, values: Mapping[str, str]) -> None:
    _call("post", f"{store.url}/api/v1/admin/tsdb/{name}", values)


def _call(method: str, address: str, values: Mapping[str, str]) -> requests.Response:
    try:
        return http.request(method, address, params=values, timeout=TIMEOUT_S)
    except http.UnreachableError as error:
        raise TsdbError(f"{error} See `make logs S=prometheus`.") from error

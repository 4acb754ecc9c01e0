"""Backfill and delete Prometheus series, in an ephemeral stack only.

Prometheus notices a new block in its folder once a minute, when it starts, or when it rewrites
one of its own blocks. Only the last can be requested: a block of markers exists from the start,
and each deleted marker makes Prometheus rewrite that block.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from ..clients import http
from ..errors import AlertdrillError
from ..toolchain.commands import CommandError, run

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

    def write_markers(self) -> None:
        """Write the block of markers into the folder of a Prometheus that is not started yet."""
        start = time.time() - MARKER_LEAD_S
        times = (f"{start + number / 1000:.3f}" for number in range(MAX_BACKFILLS))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "marks.txt"
            file.write_text("".join(f"{MARKER_SERIES} 1 {at}\n" for at in times) + "# EOF\n")
            self._create_blocks(file)

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file (timestamps in seconds) and wait for them."""
        markers = self.markers()
        if not markers:
            raise TsdbError(
                f"This stack was backfilled {MAX_BACKFILLS} times: start a new ephemeral stack."
            )
        self._create_blocks(openmetrics)
        self._delete(MARKER_SERIES, start=str(markers[0]), end=str(markers[0]))

    def delete_series(self) -> None:
        """Delete every sample up to now, backfilled or scraped."""
        self._delete(f'{{__name__=~".+",__name__!="{MARKER_SERIES}"}}')

    def markers(self) -> Sequence[float]:
        """Return the times of the markers that are left; a backfill needs one."""
        query = f"{MARKER_SERIES}[{self.retention}]"  # as far back as the retention
        response = self._call("get", "query", query=query)
        try:
            return [at for at, _ in response.json()["data"]["result"][0]["values"]]
        except (ValueError, LookupError):
            return []

    def _create_blocks(self, file: Path) -> None:
        longest = f"--max-block-duration={MAX_BLOCK_DURATION}"
        arguments = ("tsdb", "create-blocks-from", "openmetrics", longest)
        try:
            run(str(self.promtool), *arguments, str(file), str(self.folder))
        except CommandError as error:
            raise TsdbError(f"{file.name} can't be backfilled: {error}") from error

    def _delete(self, series: str, **times: str) -> None:
        self._call("post", "admin/tsdb/delete_series", **{"match[]": series, **times})
        self._call("post", "admin/tsdb/clean_tombstones")

    def _call(self, method: str, path: str, **query: str) -> requests.Response:
        try:
            return http.request(
                method, f"{self.url}/api/v1/{path}", params=query, timeout=TIMEOUT_S
            )
        except http.UnreachableError as error:
            raise TsdbError(f"{error} See `make logs S=prometheus`.") from error

"""Make up a past for Prometheus, and forget it; for an ephemeral stack alone.

Prometheus sees a block that was put into its folder once a minute, when it starts, or when it
rewrites one of its own. The last is what can be asked for: a block of marks is there from the
start, and one deleted mark is a reason to rewrite it.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from ..errors import AlertdrillError
from .checker_error import checker_error

# The series of the marks: one is used up by each import, so many are possible in one rehearsal.
MARKER_SERIES, MAX_BACKFILLS = "alertdrill_rehearsal_mark", 1000
# Marks are a millisecond apart and end before Prometheus begins, in seconds.
MARKER_LEAD_S = 2.0
# One block for a past of up to this, where 2 h each would be read through as often.
MAX_BLOCK_DURATION = "31d"
# Deleting and rewriting take well under a second; on a machine under strain, some.
TIMEOUT_S = 30.0


class TsdbError(AlertdrillError):
    """A past could not be made up or forgotten."""


@dataclass(frozen=True)
class TsdbStore:
    """A Prometheus of a rehearsal's own: its storage, its address, and what it keeps at most."""

    folder: Path
    url: str
    retention: str
    promtool: Path


def write_markers(store: TsdbStore) -> None:
    """Lay the block of marks into the folder of a Prometheus that is about to start."""
    begin = time.time() - MARKER_LEAD_S
    lines = [f"{MARKER_SERIES} 1 {begin + number / 1000:.3f}\n" for number in range(MAX_BACKFILLS)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks.txt"
        file.write_text("".join([*lines, "# EOF\n"]))
        _create_blocks(store, file)


def backfill(store: TsdbStore, openmetrics: Path) -> None:
    """Give Prometheus the samples of a file, in seconds since 1970, and see them loaded."""
    mark = _next_marker(store)
    _create_blocks(store, openmetrics)
    _admin(store, "delete_series", {"match[]": MARKER_SERIES, "start": mark, "end": mark})
    _admin(store, "clean_tombstones", {})


def delete_series(store: TsdbStore) -> None:
    """Delete every sample up to now, made up or real; what comes from now on stays."""
    everything = f'{{__name__=~".+",__name__!="{MARKER_SERIES}"}}'
    _admin(store, "delete_series", {"match[]": everything})
    _admin(store, "clean_tombstones", {})


def has_markers(store: TsdbStore) -> bool:
    """Tell whether Prometheus has marks, so that a past can be imported."""
    return bool(_markers(store))


def _create_blocks(store: TsdbStore, file: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [
            *(str(store.promtool), "tsdb", "create-blocks-from", "openmetrics"),
            *(f"--max-block-duration={MAX_BLOCK_DURATION}", str(file), str(store.folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TsdbError(f"{file.name} is no past: {checker_error(done.stderr)}")


def _next_marker(store: TsdbStore) -> str:
    marks = _markers(store)
    if not marks:
        raise TsdbError(
            f"This rehearsal has imported {MAX_BACKFILLS} times: begin another with a fresh stack."
        )
    return str(marks[0][0])


def _markers(store: TsdbStore) -> Sequence[tuple[float, str]]:
    # As far back as Prometheus keeps anything.
    found = _call(
        "get", f"{store.url}/api/v1/query", {"query": f"{MARKER_SERIES}[{store.retention}]"}
    )
    try:
        marks: Sequence[tuple[float, str]] = found.json()["data"]["result"][0]["values"]
    except (ValueError, LookupError):
        return ()
    return marks


def _admin(store: TsdbStore, name: str, values: Mapping[str, str]) -> None:
    _call("post", f"{store.url}/api/v1/admin/tsdb/{name}", values)


def _call(method: str, address: str, values: Mapping[str, str]) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.request(method, address, params=values, timeout=TIMEOUT_S)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise TsdbError(
            f"Prometheus did not take it ({error}): look at `make logs S=prometheus`."
        ) from error
    return answer

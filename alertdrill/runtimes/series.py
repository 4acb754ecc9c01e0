"""Make up a past for Prometheus, and forget it; for a rehearsal's own stack alone.

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
from .complaint import complaint

# The series of the marks: one is used up by each import, so many are possible in one rehearsal.
MARKS, COUNT = "alertdrill_rehearsal_mark", 1000
# Marks are a millisecond apart and end before Prometheus begins, in seconds.
BEFORE = 2.0
# One block for a past of up to this, where 2 h each would be read through as often.
BLOCK = "31d"
# Deleting and rewriting take well under a second; on a machine under strain, some.
PATIENCE = 30.0


class SeriesError(AlertdrillError):
    """A past could not be made up or forgotten."""


@dataclass(frozen=True)
class Store:
    """A Prometheus of a rehearsal's own: its storage, its address, and what it keeps at most."""

    folder: Path
    url: str
    retention: str
    promtool: Path


def prepare(store: Store) -> None:
    """Lay the block of marks into the folder of a Prometheus that is about to start."""
    begin = time.time() - BEFORE
    lines = [f"{MARKS} 1 {begin + number / 1000:.3f}\n" for number in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks.txt"
        file.write_text("".join([*lines, "# EOF\n"]))
        _create_blocks(store, file)


def import_series(store: Store, openmetrics: Path) -> None:
    """Give Prometheus the samples of a file, in seconds since 1970, and see them loaded."""
    mark = _next_mark(store)
    _create_blocks(store, openmetrics)
    _admin(store, "delete_series", {"match[]": MARKS, "start": mark, "end": mark})
    _admin(store, "clean_tombstones", {})


def forget_series(store: Store) -> None:
    """Delete every sample up to now, made up or real; what comes from now on stays."""
    everything = f'{{__name__=~".+",__name__!="{MARKS}"}}'
    _admin(store, "delete_series", {"match[]": everything})
    _admin(store, "clean_tombstones", {})


def marked(store: Store) -> bool:
    """Tell whether Prometheus has marks, so that a past can be imported."""
    return bool(_marks(store))


def _create_blocks(store: Store, file: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [
            *(str(store.promtool), "tsdb", "create-blocks-from", "openmetrics"),
            *(f"--max-block-duration={BLOCK}", str(file), str(store.folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SeriesError(f"{file.name} is no past: {complaint(done.stderr)}")


def _next_mark(store: Store) -> str:
    marks = _marks(store)
    if not marks:
        raise SeriesError(
            f"This rehearsal has imported {COUNT} times: begin another with a fresh stack."
        )
    return str(marks[0][0])


def _marks(store: Store) -> Sequence[tuple[float, str]]:
    # As far back as Prometheus keeps anything.
    found = _call("get", f"{store.url}/api/v1/query", {"query": f"{MARKS}[{store.retention}]"})
    try:
        marks: Sequence[tuple[float, str]] = found.json()["data"]["result"][0]["values"]
    except (ValueError, LookupError):
        return ()
    return marks


def _admin(store: Store, name: str, values: Mapping[str, str]) -> None:
    _call("post", f"{store.url}/api/v1/admin/tsdb/{name}", values)


def _call(method: str, address: str, values: Mapping[str, str]) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.request(method, address, params=values, timeout=PATIENCE)
            answer.raise_for_status()
    except requests.RequestException as error:
        raise SeriesError(
            f"Prometheus did not take it ({error}): look at `make logs S=prometheus`."
        ) from error
    return answer

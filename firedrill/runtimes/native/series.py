"""Make up a past for Prometheus, and forget it; for a rehearsal's own stack alone.

Prometheus sees a block that was put into its folder once a minute, when it starts, or when it
rewrites one of its own. The last is what can be asked for: a block of marks is there from the
start, and one deleted mark is a reason to rewrite it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from ...errors import FiredrillError
from ...programs import Program
from .configs import complaint
from .hands import Hands
from .layout import Layout
from .process import url

# The series of the marks: one is used up by each import, so many are possible in one rehearsal.
MARKS, COUNT = "firedrill_rehearsal_mark", 1000
# Marks are a millisecond apart and end before Prometheus begins, in seconds.
BEFORE = 2.0
# One block for a past of up to this, where 2 h each would be read through as often.
BLOCK = "31d"
# Deleting and rewriting take well under a second; on a machine under strain, some.
PATIENCE = 30.0


class SeriesError(FiredrillError):
    """A past could not be made up or forgotten."""


def prepare(layout: Layout, programs: Mapping[str, Program]) -> None:
    """Lay the block of marks into the folder of a Prometheus that is about to start."""
    begin = time.time() - BEFORE
    lines = [f"{MARKS} 1 {begin + number / 1000:.3f}\n" for number in range(COUNT)]
    file = layout.data / "marks.txt"
    file.write_text("".join([*lines, "# EOF\n"]))
    _create_blocks(layout, programs["promtool"], file)
    file.unlink()


def import_series(hands: Hands, openmetrics: Path) -> None:
    """Give Prometheus the samples of a file, in seconds since 1970, and see them loaded."""
    _require_rehearsal(hands, "made up")
    mark = _next_mark(hands)
    _create_blocks(hands.layout, hands.locate(lambda _: None).programs["promtool"], openmetrics)
    _admin(hands, "delete_series", {"match[]": MARKS, "start": mark, "end": mark})
    _admin(hands, "clean_tombstones", {})


def forget_series(hands: Hands) -> None:
    """Delete every sample up to now, made up or real; what comes from now on stays."""
    _require_rehearsal(hands, "forgotten")
    everything = f'{{__name__=~".+",__name__!="{MARKS}"}}'
    _admin(hands, "delete_series", {"match[]": everything})
    _admin(hands, "clean_tombstones", {})


def _require_rehearsal(hands: Hands, what: str) -> None:
    if not hands.settings.rehearsal:
        raise SeriesError(
            f"The series of a real stack are not {what}: do it in a rehearsal's own stack."
        )
    hands.require_running()


def _create_blocks(layout: Layout, promtool: Program, file: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a program that we located ourselves
        [
            *(str(promtool.path), "tsdb", "create-blocks-from", "openmetrics"),
            *(f"--max-block-duration={BLOCK}", str(file), str(layout.data / "prometheus")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SeriesError(f"{file.name} is no past: {complaint(done.stderr)}")


def _next_mark(hands: Hands) -> str:
    address = f"{url(hands.settings.ports.prometheus)}/api/v1/query"
    # As far back as Prometheus keeps anything.
    found = _call("get", address, {"query": f"{MARKS}[{hands.settings.retention}]"})
    try:
        return str(found.json()["data"]["result"][0]["values"][0][0])
    except (ValueError, LookupError):
        raise SeriesError(
            f"This rehearsal has imported {COUNT} times: begin another with a fresh stack."
        ) from None


def _admin(hands: Hands, name: str, values: Mapping[str, str]) -> None:
    address = url(hands.settings.ports.prometheus)
    _call("post", f"{address}/api/v1/admin/tsdb/{name}", values)


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

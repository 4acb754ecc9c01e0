"""Read and follow log lines with `docker compose logs`."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

from .compose_cli import ComposeCli

# Compose's format of a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)", re.DOTALL)
# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2
CHUNK = 65536


def timestamp() -> str:
    """Return the current time, to separate existing lines from new ones."""
    return datetime.now(UTC).isoformat()


def read_logs(
    compose: ComposeCli, arguments: Sequence[str], lines: int | None, until: str
) -> Iterator[tuple[str, str]]:
    """Yield (instance, line): the last `lines` of each instance before `until`, or all."""
    tail = "all" if lines is None else str(lines)
    with _running(compose, "--tail", tail, "--until", until, *arguments) as output:
        for line in output:
            yield from _read([line.removesuffix(b"\n")])


def follow_logs(
    compose: ComposeCli, arguments: Sequence[str], since: str
) -> Iterator[Sequence[tuple[str, str]]]:
    """Yield batches of (instance, line) since a time; a batch may be empty.

    The iterator ends when Compose stops because no container is left.
    """
    partial = b""
    with _running(compose, "--follow", "--since", since, *arguments) as output:
        while True:
            ready, _, _ = select.select([output], [], [], POLL_INTERVAL_S)
            chunk = os.read(output.fileno(), CHUNK) if ready else None
            if chunk == b"":
                return
            *whole, partial = (partial + (chunk or b"")).split(b"\n")
            yield list(_read(whole))


@contextmanager
def _running(compose: ComposeCli, *arguments: str) -> Iterator[IO[bytes]]:
    with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments
        compose.command_line("logs", "--no-color", *arguments),
        env=compose.environment(),
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.terminate()


def _read(lines: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if match := LOGGED.fullmatch(line.decode(errors="replace")):
            yield match[1], match[2]

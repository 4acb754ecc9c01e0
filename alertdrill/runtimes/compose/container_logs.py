"""Log lines as `docker compose logs` gives them: those that are kept, and those that are added."""

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

# How Compose writes a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)", re.DOTALL)
# Often enough that a person sees lines as they come.
POLL_INTERVAL_S = 0.2
CHUNK = 65536


def timestamp() -> str:
    """Return a moment that parts the lines which are kept from those that are added."""
    return datetime.now(UTC).isoformat()


def read_logs(
    compose: ComposeCli, chosen: Sequence[str], lines: int | None, until: str
) -> Iterator[tuple[str, str]]:
    """Yield (instance, line), the last `lines` of each instance up to a moment, or all."""
    tail = "all" if lines is None else str(lines)
    with _running(compose, "--tail", tail, "--until", until, *chosen) as output:
        for line in output:
            yield from _read([line.removesuffix(b"\n")])


def follow_logs(
    compose: ComposeCli, chosen: Sequence[str], since: str
) -> Iterator[Sequence[tuple[str, str]]]:
    """Yield (instance, line) of what came since a moment, as far as it is there; maybe none.

    It ends when Compose has no more to tell: no container is left.
    """
    half = b""
    with _running(compose, "--follow", "--since", since, *chosen) as output:
        while True:
            ready, _, _ = select.select([output], [], [], POLL_INTERVAL_S)
            piece = os.read(output.fileno(), CHUNK) if ready else None
            if piece == b"":
                return
            *whole, half = (half + (piece or b"")).split(b"\n")
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

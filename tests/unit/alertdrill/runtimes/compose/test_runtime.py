import os
import signal
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path

import pytest

from alertdrill.runtimes.compose.project import ComposeCli
from alertdrill.runtimes.compose.runtime import follow_logs, read_logs, timestamp

Docker = Callable[[str], ComposeCli]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Return a function that replaces docker with a script that also records its arguments."""

    def make(script: str) -> ComposeCli:
        program = tmp_path / "docker"
        program.write_text(
            f'#!/bin/sh\necho "$*" >{tmp_path}/called\necho $$ >{tmp_path}/pid\n{script}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        return ComposeCli("mine", {})

    return make


def test_line_has_its_instance(docker: Docker) -> None:
    compose = docker(r"printf 'web-1  | a | b\nlb-1   | \nnoise\nweb-2  | \344\rx\n'")
    assert list(read_logs(compose, [], None, timestamp())) == [
        ("web-1", "a | b"),
        ("lb-1", ""),
        ("web-2", "\ufffd\rx"),
    ]


@pytest.mark.parametrize(("lines", "tail"), [(5, "5"), (0, "0"), (None, "all")])
def test_existing_lines_end_at_the_timestamp(
    docker: Docker, tmp_path: Path, lines: int | None, tail: str
) -> None:
    compose = docker("")
    assert list(read_logs(compose, ["--index", "2", "web"], lines, "then")) == []
    called = (tmp_path / "called").read_text()
    assert called.endswith(f"logs --no-color --tail {tail} --until then --index 2 web\n")


def test_new_lines_start_at_the_timestamp(docker: Docker, tmp_path: Path) -> None:
    list(follow_logs(docker(""), ["web"], "then"))
    called = (tmp_path / "called").read_text()
    assert called.endswith("logs --no-color --follow --since then web\n")


def test_partial_line_waits_for_its_end(docker: Docker) -> None:
    compose = docker("printf 'web-1  | ha'; sleep 0.5; printf 'lf\\nweb-1  | next\\n'")
    groups = list(follow_logs(compose, [], timestamp()))
    assert list(chain.from_iterable(groups)) == [("web-1", "half"), ("web-1", "next")]
    assert [] in groups  # the reader had a turn meanwhile


def test_closing_the_reader_ends_the_command(docker: Docker, tmp_path: Path) -> None:
    groups = follow_logs(docker("echo 'web-1  | a'; exec sleep 60"), [], timestamp())
    assert list(islice(chain.from_iterable(groups), 1)) == [("web-1", "a")]
    groups.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from alertdrill.runtimes.native.stack_processes import (
    STACK_TAG,
    find,
    is_paused,
    signal_instance,
    terminate,
)

Child = subprocess.Popen[str]
Spawn = Callable[..., Child]
# `exec` keeps ignored signals.
STUBBORN = 'trap "" TERM; echo; exec sleep 60'


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Return a function that starts a shell script and waits for its first line."""
    with ExitStack() as stack:

        def run(script: str, environment: Mapping[str, str] | None = None) -> Child:
            child = subprocess.Popen(
                ["sh", "-c", script],
                env={"PATH": os.environ["PATH"], **(environment or {})},
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            stack.enter_context(child)
            stack.callback(signal_instance, child.pid, signal.SIGKILL)
            return child

        yield run


def first_line(child: Child) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def pause(child: Child) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)  # returns when it has stopped


def stack_pids(home: str) -> set[int]:
    return {process.pid for process in find(home)}


def test_tag_is_compared_whole(spawn: Spawn, home: str) -> None:
    ours = spawn("echo; exec sleep 60", {STACK_TAG: home})
    others = spawn("echo; exec sleep 60", {STACK_TAG: home + "2"})
    spawned = {first_line(child): child.pid for child in (ours, others)}
    assert spawned
    assert stack_pids(home) == {ours.pid}


def test_frozen_child_is_terminated(spawn: Spawn, home: str) -> None:
    child = spawn("echo; exec sleep 60", {STACK_TAG: home})
    first_line(child)
    pause(child)
    assert is_paused(child.pid)
    terminate(find(home))
    assert not psutil.pid_exists(child.pid)


def test_stubborn_child_is_killed(spawn: Spawn, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    child = spawn(STUBBORN, {STACK_TAG: home})
    first_line(child)
    monkeypatch.setattr("alertdrill.runtimes.native.stack_processes.TIMEOUT_S", 0.1)
    terminate(find(home))
    assert stack_pids(home) == set()


def test_child_is_terminated_gracefully_first(spawn: Spawn, home: str) -> None:
    child = spawn(
        'trap "echo bye; exit" TERM; echo; while :; do sleep 0.01; done', {STACK_TAG: home}
    )
    first_line(child)
    terminate([process for process in find(home) if process.pid == child.pid])
    assert first_line(child) == "bye"


def test_gone_processes_are_ignored(spawn: Spawn) -> None:
    child = spawn("exit")
    process = psutil.Process(child.pid)
    child.wait()
    terminate([process])
    assert not is_paused(child.pid)
    signal_instance(child.pid, signal.SIGCONT)


def test_signal_reaches_all_workers(spawn: Spawn) -> None:
    child = spawn("sleep 60 & sleep 60 & echo; wait")
    first_line(child)
    signal_instance(child.pid, signal.SIGKILL)
    assert child.stdout
    assert child.stdout.read() == ""  # the output ends with the last process


def test_running_child_is_not_paused(spawn: Spawn) -> None:
    child = spawn("echo; exec sleep 60")
    first_line(child)
    assert not is_paused(child.pid)

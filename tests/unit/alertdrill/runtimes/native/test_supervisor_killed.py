"""A real supervisord that is killed, and the processes that outlive it."""

import os
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import wait_until
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Process
from alertdrill.runtimes.native.runtime import NativeRuntime
from alertdrill.runtimes.native.stack import NativeStack
from alertdrill.runtimes.native.supervisor import Supervisor, render
from alertdrill.runtimes.native.supervisor_watch import SupervisorWatch
from alertdrill.runtimes.native.tagged_processes import (
    find_processes,
    find_supervisors,
    is_paused,
    kill_processes,
    signal_instance,
)

# It prints 1, 2, 3, ... until it can't.
COUNTER = "while :; do n=$((n + 1)); echo $n || exit 1; sleep 0.01; done"
# A master that prints the process id of its worker. The worker would outlive it.
MASTER = "sleep 600 & echo $!; wait"
IDLE = "echo; exec sleep 600"
# supervisord looks for frozen processes every 5 s, and replaces those that it sees twice.
MAX_FROZEN_S = 12


class Run:
    """A supervisord with five processes, also of a service and a component, and its watch."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        scripts = {
            "counter-1": COUNTER,
            "master-1": MASTER,
            "idle-1": IDLE,
            "web-1": IDLE,
            "loki-1": IDLE,
        }
        processes = [Process(name, ["sh", "-c", text], 1, "") for name, text in scripts.items()]
        layout.supervisor_config.write_text(render(processes, layout))
        stack = NativeStack(StackSettings(layout.home.parent))
        self.supervisor: Supervisor = stack.supervisor
        self.watch = SupervisorWatch(stack)
        self.supervisor.launch()
        self.supervisor.start(*scripts)
        for name in scripts:
            wait_until(lambda name=name: bool(self.log(name)), name)  # type: ignore[misc]
        self.watch.step()

    def log(self, name: str) -> list[str]:
        file = self.layout.logs / f"{name}.jsonl"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def pids(self) -> dict[str, int]:
        return {name: info["pid"] for name, info in self.supervisor.processes().items()}

    def kill_supervisor(self) -> None:
        kill_processes(find_supervisors(str(self.layout.home)))


@pytest.fixture
def run(layout: Layout) -> Iterator[Run]:
    try:
        yield Run(layout)
    finally:
        kill_processes(find_supervisors(str(layout.home)))
        kill_processes(find_processes(str(layout.home)))


def is_gone(pid: int) -> Callable[[], bool]:
    return lambda: (
        not psutil.pid_exists(pid) or (psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    )


def test_killed_supervisord_is_started_and_adopts_its_processes(run: Run) -> None:
    before = run.pids()
    run.kill_supervisor()
    assert not run.supervisor.is_running()
    run.watch.step()
    assert run.pids() == before
    assert all(before.values())


def test_output_is_kept_while_supervisord_is_gone(run: Run) -> None:
    run.kill_supervisor()
    lines = len(run.log("counter-1"))
    run.watch.step()
    wait_until(lambda: len(run.log("counter-1")) > lines + 20, "new lines")
    numbers = [int(line) for line in run.log("counter-1")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_adopted_process_is_started_again_when_it_ends(run: Run) -> None:
    run.kill_supervisor()
    run.watch.step()
    before = run.pids()["idle-1"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: run.pids()["idle-1"] not in (0, before), "its successor")


def test_adopted_process_can_be_stopped(run: Run) -> None:
    run.kill_supervisor()
    run.watch.step()
    pid = run.pids()["idle-1"]
    run.supervisor.stop("idle-1")
    assert run.supervisor.processes()["idle-1"]["statename"] == "STOPPED"
    assert is_gone(pid)()


def test_process_that_ended_meanwhile_is_started_but_a_stopped_one_is_not(run: Run) -> None:
    run.supervisor.stop("idle-1")
    run.watch.step()
    master = run.pids()["master-1"]
    run.kill_supervisor()
    os.kill(master, signal.SIGKILL)
    wait_until(is_gone(master), "the end of the master")
    run.watch.step()
    assert run.pids()["master-1"] not in (0, master)
    assert run.pids()["idle-1"] == 0


def test_worker_of_a_killed_master_is_killed(run: Run) -> None:
    [worker] = map(int, run.log("master-1"))
    os.kill(run.pids()["master-1"], signal.SIGKILL)
    wait_until(lambda: len(run.log("master-1")) == 2, "the next master")
    assert is_gone(worker)()


def test_worker_whose_master_ended_without_supervisord_is_killed(run: Run) -> None:
    [worker] = map(int, run.log("master-1"))
    master = run.pids()["master-1"]
    run.kill_supervisor()
    os.kill(master, signal.SIGKILL)
    wait_until(is_gone(master), "the end of the master")
    run.watch.step()
    assert is_gone(worker)()


def test_frozen_supervisord_gets_no_second_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertdrill.runtimes.native.supervisor.ANSWER_TIMEOUT_S", 0.2)
    [frozen] = find_supervisors(str(run.layout.home))
    frozen.suspend()
    assert not run.supervisor.is_running()
    run.watch.step()
    assert find_supervisors(str(run.layout.home)) == [frozen]


def test_supervisord_that_stays_frozen_is_replaced(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertdrill.runtimes.native.supervisor.ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr("alertdrill.runtimes.native.supervisor_watch.FROZEN_S", 0.0)
    [frozen], before = find_supervisors(str(run.layout.home)), run.pids()
    frozen.suspend()
    run.watch.step()
    wait_until(run.supervisor.is_running, "the new supervisord")
    assert frozen not in find_supervisors(str(run.layout.home))
    assert run.pids() == before


def test_stopped_component_is_started_after_a_while(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.supervisor.stop("loki-1", "web-1")
    run.watch.step()
    assert run.pids()["loki-1"] == 0
    monkeypatch.setattr("alertdrill.runtimes.native.supervisor_watch.MAX_STOPPED_S", 0.0)
    run.watch.step()
    wait_until(lambda: run.pids()["loki-1"] > 0, "loki-1")
    # The responder decides about services; some of them are on standby.
    assert run.pids()["web-1"] == 0


def test_supervisord_that_was_never_there_is_not_started(layout: Layout) -> None:
    SupervisorWatch(NativeStack(StackSettings(layout.home.parent))).step()
    assert find_supervisors(str(layout.home)) == []


def test_supervisord_is_not_started_while_another_command_changes_the_stack(run: Run) -> None:
    run.kill_supervisor()
    with NativeStack(StackSettings(run.layout.home.parent)).lock(), pytest.raises(LockedError):
        run.watch.step()
    assert find_supervisors(str(run.layout.home)) == []


def test_signal_reaches_supervisord_alone(run: Run) -> None:
    runtime = NativeRuntime(StackSettings(run.layout.home.parent))
    [supervisord], pids = find_supervisors(str(run.layout.home)), run.pids()
    runtime.signal_supervisor(signal.SIGSTOP)
    wait_until(lambda: is_paused(supervisord.pid), "supervisord to stop")
    assert not any(map(is_paused, pids.values()))
    runtime.signal_supervisor(signal.SIGCONT)
    wait_until(run.supervisor.is_running, "supervisord to go on")


def test_frozen_component_is_replaced_and_a_frozen_service_is_not(run: Run) -> None:
    before = run.pids()
    frozen = [before[name] for name in ("idle-1", "master-1", "web-1")]
    for pid in frozen:
        signal_instance(pid, signal.SIGSTOP)
    wait_until(lambda: run.pids()["idle-1"] not in (0, before["idle-1"]), "idle-1", MAX_FROZEN_S)
    wait_until(lambda: run.pids()["master-1"] not in (0, before["master-1"]), "master-1")
    assert is_paused(run.pids()["web-1"])
    assert run.pids()["web-1"] == before["web-1"]

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from supervisor.datatypes import RestartUnconditionally
from supervisor.options import ServerOptions

from alertdrill.config import ROOT
from alertdrill.runtimes.base import wait_until
from alertdrill.runtimes.errors import StackUnavailableError
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Plan, Process
from alertdrill.runtimes.native.supervisor import (
    LOG_BACKUPS,
    LOG_BYTES,
    Supervisor,
    SupervisorError,
    program_digest,
    render,
)
from alertdrill.runtimes.native.supervisord_processes import MAY_BE_FROZEN
from alertdrill.runtimes.native.tagged_processes import (
    PROGRAM_TAG,
    STACK_TAG,
    find_processes,
    is_paused,
    signal_instance,
    terminate_processes,
)


def read_back(processes: Sequence[Process], layout: Layout) -> tuple[Any, Mapping[str, Any]]:
    """Return the options that supervisord parses: its own, and those of each program."""
    layout.supervisor_config.write_text(render(processes, layout))
    for process in processes:
        process.directory.mkdir(parents=True, exist_ok=True)
    options = ServerOptions()
    options.realize(["-c", str(layout.supervisor_config)])
    groups = options.configroot.supervisord.process_group_configs
    return options, {group.name: group.process_configs[0] for group in groups}


def process(**more: Any) -> Process:
    return replace(Process("web-1", ["/bin/true"], 1, ""), **more)


def test_every_process_is_parsed_by_supervisord(plan: Plan, layout: Layout) -> None:
    options, programs = read_back(plan.processes, layout)
    assert programs.keys() == {process.name for process in plan.processes}
    for process in plan.processes:
        read = programs[process.name]
        assert shlex.split(read.command) == process.command
        tag = {MAY_BE_FROZEN: "1"} if process.scales else {}
        tag[PROGRAM_TAG] = program_digest(process, layout)
        assert read.environment == {**process.environment, **tag}
        assert read.directory == str(process.directory)
        assert read.stopsignal == signal.Signals[f"SIG{process.stop_signal}"]
        # It starts only when it is told to, again after a crash, and ends with its workers.
        assert (read.autostart, read.killasgroup) == (False, True)
        assert read.autorestart is RestartUnconditionally
        assert read.stdout_logfile == str(layout.logs / f"{process.name}.jsonl")
        assert read.stdout_logfile_maxbytes == LOG_BYTES
        assert read.stdout_logfile_backups == LOG_BACKUPS
    apart = {name: read.stderr_logfile for name, read in programs.items() if read.stderr_logfile}
    assert apart == {"lb-1": str(layout.logs / "lb-1.stderr.log")}
    # The socket and the files are private.
    [server] = options.configroot.supervisord.server_configs
    assert (server["file"], server["chmod"]) == (str(layout.supervisor_socket), 0o700)
    assert options.configroot.supervisord.umask == 0o077


VALUES = ["50%", "%(here)s %d %%", "a, b=c, d", "it's", "", " x ", "a;b#c", "$HOME ~ \\n", "ü"]


def test_special_characters_in_a_process_are_kept(layout: Layout) -> None:
    command = ["/bin/a b", "--x", *VALUES]
    environment = {f"A{number}": value for number, value in enumerate(VALUES)}
    _, programs = read_back([process(command=command, environment=environment)], layout)
    assert shlex.split(programs["web-1"].command) == command
    assert environment.items() <= programs["web-1"].environment.items()


@pytest.mark.parametrize("name", ["50% mine", "a, b", "it's", "a;b#c", "ü"])
def test_special_characters_in_the_home_are_kept(tmp_path: Path, name: str) -> None:
    layout = Layout(tmp_path / name / "native")
    layout.make()
    options, programs = read_back([process(directory=layout.etc)], layout)
    assert options.configroot.supervisord.logfile == str(layout.logs / "supervisord.log")
    assert options.configroot.supervisord.directory == str(ROOT)
    assert programs["web-1"].stdout_logfile == str(layout.logs / "web-1.jsonl")
    assert programs["web-1"].directory == str(layout.etc)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a ;b", "a\t#b"])
def test_unsupported_value_is_refused(layout: Layout, value: str) -> None:
    for invalid in (process(environment={"A": value}), process(directory=Path(value))):
        with pytest.raises(SupervisorError, match="use another path or value"):
            render([invalid], layout)


def test_quote_in_a_variable_is_refused(layout: Layout) -> None:
    with pytest.raises(SupervisorError, match="contains a quote"):
        render([process(environment={"A": 'x",B="y'})], layout)


def test_setting_can_not_inject_a_program(plan_with: Callable[..., Plan], layout: Layout) -> None:
    plan = plan_with(retention='1d"\n[program:x]')
    with pytest.raises(SupervisorError, match="contains a line break"):
        render(plan.processes, layout)


def test_broken_configuration_has_the_error(layout: Layout) -> None:
    layout.supervisor_config.write_text("[supervisord]\nloglevel=loud\n")
    with pytest.raises(SupervisorError, match=r"did not start: Error: .*loud.*\.$"):
        Supervisor(layout).launch()


def test_supervisor_inherits_the_tag_but_not_port(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nenv >{tmp_path}/seen\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setenv("PORT", "1")
    Supervisor(layout).launch()
    seen = (tmp_path / "seen").read_text().splitlines()
    assert f"{STACK_TAG}={layout.home}" in seen
    assert f"PATH={os.environ['PATH']}" in seen
    assert "PORT=1" not in seen


def test_missing_socket_means_not_running(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    assert not supervisor.is_running()
    with pytest.raises(StackUnavailableError, match="supervisord does not answer"):
        supervisor.processes()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(layout.supervisor_socket))
    assert not supervisor.is_running()


GRACEFUL = 'trap "echo bye; exit" TERM; echo; while :; do sleep 0.01; done'
# `exec` keeps ignored signals.
STUBBORN = 'trap "" TERM; echo; exec sleep 60'


@pytest.fixture
def live(layout: Layout) -> Iterator[Supervisor]:
    """Return a real supervisord that has started a graceful and a stubborn process."""
    scripts = {"graceful-1": GRACEFUL, "stubborn-1": STUBBORN}
    processes = [Process(name, ["sh", "-c", text], 1, "") for name, text in scripts.items()]
    layout.supervisor_config.write_text(render(processes, layout))
    supervisor = Supervisor(layout)
    supervisor.launch()
    supervisor.start(*scripts)
    for name in scripts:
        log = layout.logs / f"{name}.jsonl"
        wait_until(lambda log=log: log.exists() and log.read_text(), name)  # type: ignore[misc]
    yield supervisor
    supervisor.stop(*scripts, grace=0)
    terminate_processes(find_processes(str(layout.home)))


def test_graceful_process_is_awaited(live: Supervisor, layout: Layout) -> None:
    before = live.processes()
    assert live.is_running()
    live.start("graceful-1")  # a second start is harmless
    live.stop("graceful-1", grace=60)
    assert (layout.logs / "graceful-1.jsonl").read_text() == "\nbye\n"
    live.request_stop("graceful-1")  # so is a second stop
    after = live.processes()
    assert after["graceful-1"]["statename"] == "STOPPED"
    assert after["stubborn-1"]["pid"] == before["stubborn-1"]["pid"] > 0
    for command in (live.start, live.request_stop):
        with pytest.raises(SupervisorError, match="BAD_NAME: unknown"):
            command("unknown")


def test_zero_grace_kills_at_once_but_only_the_target(live: Supervisor) -> None:
    start = time.monotonic()
    live.stop("stubborn-1", grace=0)
    assert time.monotonic() - start < 10  # supervisord itself would kill it after 25 s
    states = {name: info["statename"] for name, info in live.processes().items()}
    assert states["stubborn-1"] == "STOPPED"
    assert states["graceful-1"] in ("STARTING", "RUNNING")


Child = subprocess.Popen[str]
Spawn = Callable[..., Child]


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
    return {process.pid for process in find_processes(home)}


def test_tag_is_compared_whole(spawn: Spawn, home: str) -> None:
    ours = spawn("echo; exec sleep 60", {STACK_TAG: home})
    others = spawn("echo; exec sleep 60", {STACK_TAG: home + "2"})
    spawned = {first_line(child): child.pid for child in (ours, others)}
    assert spawned
    assert stack_pids(home) == {ours.pid}


def test_frozen_child_is_terminated(spawn: Spawn, home: str) -> None:
    child = spawn("echo; exec sleep 60", {STACK_TAG: home})
    first_line(child)
    assert not is_paused(child.pid)
    pause(child)
    assert is_paused(child.pid)
    terminate_processes(find_processes(home))
    assert not psutil.pid_exists(child.pid)


def test_stubborn_child_is_killed(spawn: Spawn, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    child = spawn(STUBBORN, {STACK_TAG: home})
    first_line(child)
    monkeypatch.setattr("alertdrill.runtimes.native.tagged_processes.TERMINATE_TIMEOUT_S", 0.1)
    terminate_processes(find_processes(home))
    assert stack_pids(home) == set()


def test_child_is_terminated_gracefully_first(spawn: Spawn, home: str) -> None:
    child = spawn(GRACEFUL, {STACK_TAG: home})
    first_line(child)
    terminate_processes([process for process in find_processes(home) if process.pid == child.pid])
    assert first_line(child) == "bye"


def test_gone_processes_are_ignored(spawn: Spawn) -> None:
    child = spawn("exit")
    process = psutil.Process(child.pid)
    child.wait()
    terminate_processes([process])
    assert not is_paused(child.pid)
    signal_instance(child.pid, signal.SIGCONT)


def test_signal_reaches_all_workers(spawn: Spawn) -> None:
    child = spawn("sleep 60 & sleep 60 & echo; wait")
    first_line(child)
    signal_instance(child.pid, signal.SIGKILL)
    assert child.stdout
    assert child.stdout.read() == ""  # the output ends with the last process

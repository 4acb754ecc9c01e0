import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.find import ResolvedPrograms, resolve_programs
from alertdrill.toolchain.programs import PROGRAMS, ProgramSpec

Machine = Any  # the fixture's own class; test folders are no packages to import it from


def specs(*names: str) -> list[ProgramSpec]:
    return [program for program in PROGRAMS if program.name in names]


def resolve(machine: Machine, *names: str, messages: list[str] | None = None) -> ResolvedPrograms:
    on_progress = (messages if messages is not None else []).append
    return resolve_programs(specs(*names), machine.cache, on_progress)


def test_recent_program_on_the_path_is_used(machine: Machine) -> None:
    machine.install_program("prometheus-node-exporter", "1.9.0")
    program_found = resolve(machine, "node_exporter").programs["node_exporter"]
    assert (program_found.origin, program_found.version) == ("path", (1, 9, 0))
    assert machine.apt_calls() == []


def test_old_program_on_the_path_is_replaced_by_a_fetched_one(machine: Machine) -> None:
    machine.install_program("prometheus", "2.42.0")
    machine.install_program("promtool", "2.42.0")
    messages: list[str] = []
    programs = resolve(machine, "prometheus", "promtool", messages=messages).programs
    assert {program.origin for program in programs.values()} == {"cache"}
    assert messages == [
        "fetching prometheus 3.5 or newer from the distribution's development suite …"
    ]


def test_programs_of_different_release_lines_are_not_combined(machine: Machine) -> None:
    machine.install_program("prometheus", "3.6.0")
    machine.install_program("promtool", "3.5.0")
    programs = resolve(machine, "prometheus", "promtool").programs
    assert {program.version for program in programs.values()} == {(3, 5, 3)}


def test_fetched_program_is_not_fetched_again(machine: Machine) -> None:
    first = resolve(machine, "prometheus", "promtool")
    calls = machine.apt_calls()
    machine.remove("apt-get")
    assert resolve(machine, "prometheus", "promtool") == first
    assert machine.apt_calls() == calls


def test_program_that_another_process_fetched_is_not_fetched_again(machine: Machine) -> None:
    waiting = threading.Semaphore(0)
    lock = machine.cache / "programs" / "lock"
    lock.parent.mkdir(parents=True)
    with ThreadPoolExecutor() as pool, lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        arguments = (specs("haproxy"), machine.cache, lambda _: waiting.release())
        runs = [pool.submit(resolve_programs, *arguments) for _ in range(2)]
        for _ in runs:
            assert waiting.acquire(timeout=5), "a run did not report that it waits"
        fcntl.flock(held, fcntl.LOCK_UN)
        first, second = (run.result(30) for run in runs)
    assert first == second
    assert len([call for call in machine.apt_calls() if call.endswith(" update")]) == 1


def test_suite_is_updated_once_for_all_its_packages(machine: Machine) -> None:
    machine.install_program("amtool", "0.28.0")
    with pytest.raises(AlertdrillError):  # the machine's dpkg knows no alertmanager
        resolve(machine, "prometheus", "promtool", "alertmanager", "amtool")
    assert len([call for call in machine.apt_calls() if call.endswith(" update")]) == 1


def test_fetched_haproxy_uses_its_fetched_libraries(machine: Machine) -> None:
    haproxy = resolve(machine, "haproxy").programs["haproxy"]
    libraries = machine.cache / "programs/haproxy/usr/lib/x86_64-linux-gnu"
    assert haproxy.environment == {"LD_LIBRARY_PATH": str(libraries)}


ALERTMANAGER = r"""#!/bin/sh
PATH=/usr/bin:/bin
# dpkg -x DEB FOLDER
mkdir -p "$3/usr/bin"
for name in prometheus-alertmanager amtool; do
    printf '#!/bin/sh\necho "%s, version 0.28.1"\n' $name >"$3/usr/bin/$name"
    chmod +x "$3/usr/bin/$name"
done
"""


def test_fetched_program_has_its_data_folder(machine: Machine) -> None:
    machine.install("dpkg", ALERTMANAGER)
    program_found = resolve(machine, "alertmanager", "amtool").programs["alertmanager"]
    folder = machine.cache / "programs/prometheus-alertmanager"
    assert (program_found.origin, program_found.files) == (
        "cache",
        folder / "usr/share/prometheus/alertmanager",
    )


def test_installed_program_has_no_data_folder(machine: Machine) -> None:
    machine.install_program("alertmanager", "0.28.1")
    machine.install_program("amtool", "0.28.1")
    program_found = resolve(machine, "alertmanager", "amtool").programs["alertmanager"]
    assert (program_found.origin, program_found.files) == ("path", None)


def test_missing_optional_program_has_a_reason(machine: Machine) -> None:
    resolved = resolve(machine, "loki")
    assert resolved.programs == {}
    assert resolved.missing == (
        "loki 3.4 or newer is not on the PATH: the log files are read instead.",
    )


def test_missing_network_is_one_clear_error(machine: Machine) -> None:
    machine.set("offline")
    with pytest.raises(AlertdrillError) as error:
        resolve(machine, "haproxy")
    assert str(error.value) == (
        "haproxy 2.6 or newer could not be found or fetched: no network (Failed to fetch "
        "http://mirror.test/  Temporary failure resolving); "
        "install it on the PATH and try again."
    )


def test_missing_apt_is_one_clear_error(machine: Machine) -> None:
    machine.remove("apt-get")
    with pytest.raises(AlertdrillError, match="fetched: apt-get is not on this machine; inst"):
        resolve(machine, "haproxy")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("prometheus, version 3.5.3+ds1 (branch: debian/sid, revision: 3.5.3+ds1-6)", (3, 5, 3)),
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", (2, 6, 12)),
        ("otelcol-contrib version v0.120.0", (0, 120, 0)),
        ("Version 11.2.0 (commit: 2a88694, branch: HEAD)", (11, 2, 0)),
        ("a program without a version", None),
    ],
)
@pytest.mark.parametrize("stream", ["1", "2"])
def test_version_is_read_from_the_output(
    machine: Machine, output: str, version: tuple[int, ...] | None, stream: str
) -> None:
    machine.install("grafana", f'#!/bin/sh\necho "{output}" >&{stream}\n')
    program = resolve(machine, "grafana").programs.get("grafana")
    assert (program and program.version) == version


def test_file_that_is_no_program_is_not_used(machine: Machine) -> None:
    machine.install("grafana", "not a program\x00")
    assert resolve(machine, "grafana").programs == {}


def test_newest_of_the_commands_is_used(machine: Machine) -> None:
    machine.install_program("otelcol-contrib", "0.9.0")
    machine.install_program("otelcol", "0.10.0")
    assert resolve(machine, "otelcol").programs["otelcol"].path.name == "otelcol"


def test_program_runs_for_its_version_only_after_a_change(machine: Machine) -> None:
    runs = machine.folder / "runs"
    for version, count in (((1, 9, 0), 1), ((1, 10, 1), 2)):
        text = f"#!/bin/sh\necho run >>{runs}\necho version {'.'.join(map(str, version))}\n"
        machine.install("prometheus-node-exporter", text)
        for _ in range(2):
            assert resolve(machine, "node_exporter").programs["node_exporter"].version == version
        assert len(runs.read_text().split()) == count

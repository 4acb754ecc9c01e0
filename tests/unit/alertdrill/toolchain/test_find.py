from typing import Any

import pytest

from alertdrill.toolchain.find import (
    ProgramMissingError,
    ResolvedPrograms,
    by_package,
    resolve_programs,
)
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


def test_suite_is_updated_once_for_all_its_packages(machine: Machine) -> None:
    machine.install_program("amtool", "0.28.0")
    with pytest.raises(ProgramMissingError):  # the machine's dpkg knows no alertmanager
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
    with pytest.raises(ProgramMissingError) as error:
        resolve(machine, "haproxy")
    assert str(error.value) == (
        "haproxy 2.6 or newer could not be found or fetched: no network (Failed to fetch "
        "http://mirror.test/  Temporary failure resolving); "
        "install it on the PATH and try again."
    )


def test_missing_apt_is_one_clear_error(machine: Machine) -> None:
    machine.remove("apt-get")
    with pytest.raises(ProgramMissingError, match="fetched: apt-get is not on this machine; inst"):
        resolve(machine, "haproxy")


def test_programs_of_one_package_are_one_group() -> None:
    groups = [[program.name for program in group] for group in by_package(PROGRAMS)]
    assert ["prometheus", "promtool"] in groups
    assert ["loki"] in groups

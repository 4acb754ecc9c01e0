from typing import Any

import pytest

from alertdrill.toolchain.errors import ProgramMissingError
from alertdrill.toolchain.resolve import ResolvedPrograms, by_package, resolve_programs
from alertdrill.toolchain.specs import PROGRAMS, ProgramSpec

Machine = Any  # the fixture's own class; test folders are no packages to import it from


def wanted(*names: str) -> list[ProgramSpec]:
    return [program for program in PROGRAMS if program.name in names]


def find(machine: Machine, *names: str, said: list[str] | None = None) -> ResolvedPrograms:
    on_progress = (said if said is not None else []).append
    return resolve_programs(wanted(*names), machine.cache, on_progress, machine.search_path)


def test_new_enough_on_path_is_used(machine: Machine) -> None:
    machine.install_program("prometheus-node-exporter", "1.9.0")
    found = find(machine, "node_exporter").programs["node_exporter"]
    assert (found.origin, found.version) == ("path", (1, 9, 0))
    assert machine.apt_calls() == []


def test_old_on_path_is_fetched_instead(machine: Machine) -> None:
    machine.install_program("prometheus", "2.42.0")
    machine.install_program("promtool", "2.42.0")
    said: list[str] = []
    programs = find(machine, "prometheus", "promtool", said=said).programs
    assert {program.origin for program in programs.values()} == {"cache"}
    assert said == ["fetching prometheus 3.5 or newer from the distribution's development suite …"]


def test_promtool_of_another_line_is_refused(machine: Machine) -> None:
    machine.install_program("prometheus", "3.6.0")
    machine.install_program("promtool", "3.5.0")
    programs = find(machine, "prometheus", "promtool").programs
    assert {program.version for program in programs.values()} == {(3, 5, 3)}


def test_second_call_fetches_nothing(machine: Machine) -> None:
    first = find(machine, "prometheus", "promtool")
    calls = machine.apt_calls()
    machine.remove("apt-get")
    assert find(machine, "prometheus", "promtool") == first
    assert machine.apt_calls() == calls


def test_one_update_for_all_of_a_suite(machine: Machine) -> None:
    machine.install_program("amtool", "0.28.0")
    with pytest.raises(ProgramMissingError):  # the machine's dpkg knows no alertmanager
        find(machine, "prometheus", "promtool", "alertmanager", "amtool")
    assert len([call for call in machine.apt_calls() if call.endswith(" update")]) == 1


def test_haproxy_finds_its_fetched_libraries(machine: Machine) -> None:
    haproxy = find(machine, "haproxy").programs["haproxy"]
    libraries = machine.cache / "programs/haproxy/usr/lib/x86_64-linux-gnu"
    assert haproxy.environment == {"LD_LIBRARY_PATH": str(libraries)}


ALERTMANAGER = r"""#!/bin/sh
# dpkg -x DEB FOLDER
mkdir -p "$3/usr/bin"
for name in prometheus-alertmanager amtool; do
    printf '#!/bin/sh\necho "%s, version 0.28.1"\n' $name >"$3/usr/bin/$name"
    chmod +x "$3/usr/bin/$name"
done
"""


def test_fetched_program_names_its_files(machine: Machine) -> None:
    machine.install("dpkg", ALERTMANAGER)
    found = find(machine, "alertmanager", "amtool").programs["alertmanager"]
    folder = machine.cache / "programs/prometheus-alertmanager"
    assert (found.origin, found.files) == ("cache", folder / "usr/share/prometheus/alertmanager")


def test_installed_program_finds_its_own(machine: Machine) -> None:
    machine.install_program("alertmanager", "0.28.1")
    machine.install_program("amtool", "0.28.1")
    found = find(machine, "alertmanager", "amtool").programs["alertmanager"]
    assert (found.origin, found.files) == ("path", None)


def test_absent_optional_program_is_said(machine: Machine) -> None:
    located = find(machine, "loki")
    assert located.programs == {}
    assert located.missing == (
        "loki 3.4 or newer is not on the PATH: the log files are read instead.",
    )


def test_no_network_is_one_clear_sentence(machine: Machine) -> None:
    machine.set("offline")
    with pytest.raises(ProgramMissingError) as error:
        find(machine, "haproxy")
    assert str(error.value) == (
        "haproxy 2.6 or newer could not be found or fetched: no network (Failed to fetch "
        "http://mirror.test/  Temporary failure resolving); "
        "install it on the PATH and try again."
    )


def test_absent_apt_is_one_clear_sentence(machine: Machine) -> None:
    machine.remove("apt-get")
    with pytest.raises(ProgramMissingError, match="fetched: apt-get is not on this machine; inst"):
        find(machine, "haproxy")


def test_programs_of_a_package_stay_together() -> None:
    groups = [[program.name for program in group] for group in by_package(PROGRAMS)]
    assert ["prometheus", "promtool"] in groups
    assert ["loki"] in groups

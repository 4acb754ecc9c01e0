from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from alertdrill.toolchain.apt import fetch, private_sources, read_apt_sources
from alertdrill.toolchain.commands import CommandError, failure_reason, run
from alertdrill.toolchain.programs import Package, Suite

Machine = Any  # the fixture's own class; test folders are no packages to import it from
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEB822 = f"""\
# the mirror of this house
Types: deb deb-src
URIs: http://mirror.test/debian
# deb http://commented.test/debian bookworm main
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
"""
THIRD_PARTY = (
    "deb [arch=amd64,arm64 signed-by=/k/wine.gpg] http://other.test/wine/debian/ bookworm main\n"
    "deb-src http://other.test/debian bookworm main\n"
    "deb cdrom:[Debian]/debian bookworm main\n"
    "deb http://other.test/debian bookworm contrib\n"
)
DISABLED = """\
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main
Signed-By: /k/debian-archive.gpg
Enabled: no
"""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the /etc/apt of a Debian 12 with sources of others."""
    monkeypatch.setattr("alertdrill.toolchain.apt.SOURCES", tmp_path)
    release(monkeypatch, ID="debian", VERSION_CODENAME="bookworm")
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(THIRD_PARTY)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "off.sources").write_text(DISABLED)
    return tmp_path


def release(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: values)


def stanzas(suite: Suite) -> list[Message]:
    return [message_from_string(text) for text in private_sources(suite).split("\n\n")]


def test_development_suite_uses_the_configured_mirror(etc: Path) -> None:
    [fields] = stanzas(Suite.DEVELOPMENT)
    assert dict(fields) == {
        "Types": "deb",
        "URIs": "http://mirror.test/debian",
        "Suites": "sid",
        "Components": "main",
        "Targets": "Packages",
        "Signed-By": KEYRING,
    }


def test_system_suite_includes_updates_and_security(etc: Path) -> None:
    assert [(fields["URIs"], fields["Suites"]) for fields in stanzas(Suite.SYSTEM)] == [
        ("http://mirror.test/debian", "bookworm"),
        ("http://mirror.test/debian", "bookworm-updates"),
        ("http://mirror.test/debian-security", "bookworm-security"),
    ]


def test_distribution_of_a_usual_path_wins(etc: Path) -> None:
    text = "deb http://a.test/x/y bookworm main\ndeb http://mirror.test/deep/debian bookworm main\n"
    (etc / "sources.list.d" / "debian.sources").write_text(text)
    assert stanzas(Suite.SYSTEM)[0]["URIs"] == "http://mirror.test/deep/debian"
    (etc / "sources.list").write_text("deb http://top.test/debian bookworm main\n")
    assert stanzas(Suite.SYSTEM)[0]["URIs"] == "http://top.test/debian"


def test_options_of_one_line_are_kept() -> None:
    source = next(read_apt_sources(THIRD_PARTY))
    assert (source.uri, source.suite) == ("http://other.test/wine/debian/", "bookworm")
    assert source.fields["Architectures"] == "amd64 arm64"
    assert source.fields["Signed-By"] == "/k/wine.gpg"


@pytest.mark.parametrize("before", ["\n ", " "])  # some versions of Python join the first lines
def test_embedded_key_keeps_all_its_lines(etc: Path, before: str) -> None:
    key = "-----BEGIN\n .\n abc"
    text = DEB822.replace(f" {KEYRING}", f"{before}{key}")
    (etc / "sources.list.d" / "debian.sources").write_text(text)
    assert f"Signed-By: \n {key}\n" in private_sources(Suite.DEVELOPMENT)


def test_development_suite_of_ubuntu_is_devel_with_universe(
    etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A derivative counts as its base.
    values = {"VERSION_CODENAME": "zara", "UBUNTU_CODENAME": "noble"}
    release(monkeypatch, ID="linuxmint", ID_LIKE="ubuntu debian", **values)
    (etc / "sources.list").write_text("deb http://mirror.test/ubuntu/ noble main restricted\n")
    [fields] = stanzas(Suite.DEVELOPMENT)
    assert (fields["Suites"], fields["Components"]) == ("devel", "main universe")


def test_machine_that_follows_a_moving_name_is_read(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(DEB822.replace("bookworm", "stable"))
    (etc / "sources.list").unlink()
    assert [fields["Suites"] for fields in stanzas(Suite.SYSTEM)] == [
        *("stable", "stable-updates", "stable-security"),
    ]


def test_sources_without_the_distribution_are_an_error(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").unlink()
    (etc / "sources.list").write_text("deb http://other.test/ bookworm-pgdg main\n")
    with pytest.raises(CommandError, match="name no archive of Debian"):
        private_sources(Suite.SYSTEM)


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FileNotFoundError

    for unknown in (lambda: {"ID": "fedora"}, fail):
        monkeypatch.setattr("platform.freedesktop_os_release", unknown)
        with pytest.raises(CommandError, match="neither Debian nor Ubuntu"):
            private_sources(Suite.SYSTEM)


def test_apt_keeps_its_state_in_the_private_folder(machine: Machine, tmp_path: Path) -> None:
    fetch([Package("prometheus", Suite.DEVELOPMENT, parts=("promtool",))], tmp_path / "fetched")
    text = (tmp_path / "apt.conf").read_text()
    for name in ("Dir::State::Lists", "Dir::Cache", "Dir::Cache::Archives"):
        assert f'{name} "{tmp_path}/fetched/apt/' in text
    assert 'APT::Get::AllowUnauthenticated "false"' in text
    assert "Suites: sid\n" in (tmp_path / "alertdrill.sources").read_text()


@pytest.mark.parametrize(
    ("name", "output", "reason"),
    [
        ("a", "W: slow\nE: The key is bad.\nE: Some index files failed to", "a: The key is bad."),
        ("a", "E: Failed to fetch x  Temporary failure resolving", "no network (Failed to fetch"),
        ("a", "#6 3.8 E: Unable to locate package x\nERROR: failed: 100", "a: Unable to locate"),
        ("a", "Error response from daemon: no space\nbye", "a: Error response from daemon: no sp"),
        ("go", "go: downloading x\ngo: no such module\nexit status 1", "go: no such module"),
        ("a", " ", "a failed without a message"),
    ],
)
def test_failure_has_its_reason(machine: Machine, name: str, output: str, reason: str) -> None:
    machine.install(name, f"#!/bin/sh\necho '{output}' >&2; exit 100\n")
    with pytest.raises(CommandError) as error:
        run(name)
    assert str(error.value).startswith(reason)


def test_reason_is_in_the_first_output_that_has_one() -> None:
    assert failure_reason("a", " \nexit status 3", "no such table") == "a: no such table"
    assert failure_reason("a", "no disk", "no such table") == "a: no disk"


def test_command_that_cannot_run_is_an_error(machine: Machine) -> None:
    machine.install("broken", "#!/no/such/shell\n")
    machine.install("slow", "#!/bin/sh\nexec /bin/sleep 60\n")
    for arguments, message in {
        ("absent",): "absent is not on this machine",
        ("broken",): "broken does not run: No such file or directory",
        ("slow",): "slow did not end within 0.1 seconds",
    }.items():
        with pytest.raises(CommandError, match=message):
            run(*arguments, timeout=0.1)

import pytest

from alertdrill.toolchain.apt import (
    FetchError,
    IndexTarget,
    SystemSources,
    read_apt_sources,
    read_distribution,
    read_targets,
)
from alertdrill.toolchain.programs import Suite

DEBIAN, UBUNTU = ("debian", "bookworm"), ("ubuntu", "noble")
DEB822 = """\
# the mirror of this house
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
"""
THIRD_PARTY = (
    "deb [arch=amd64 signed-by=/k/wine.gpg] http://other.test/wine/debian/ bookworm main\n"
)


def test_target_listing_is_parsed_to_package_targets() -> None:
    listing = (
        "http://mirror.test/debian/|bookworm|main|Packages|/etc/apt/a.sources:1\n"
        "http://mirror.test/debian/|bookworm|main|DEP-11|/etc/apt/a.sources:1\n"
        "N: something else\n"
    )
    expected = IndexTarget("http://mirror.test/debian/", "bookworm", "main", "/etc/apt/a.sources")
    assert read_targets(listing) == [expected]


def test_both_formats_of_sources_are_parsed() -> None:
    first, second = read_apt_sources(DEB822)
    assert first.suites == ["bookworm", "bookworm-updates"]
    assert first.options == {"Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg"}
    assert second.uris == ["http://mirror.test/debian-security"]
    assert read_apt_sources(THIRD_PARTY)[0].options == {
        "Architectures": "amd64",
        "Signed-By": "/k/wine.gpg",
    }


def test_embedded_key_keeps_all_its_lines() -> None:
    text = "URIs: http://m.test/debian\nSuites: bookworm\nSigned-By:\n -----BEGIN\n .\n abc\n"
    assert read_apt_sources(text)[0].options["Signed-By"] == "\n -----BEGIN\n .\n abc"


@pytest.fixture
def targets() -> list[IndexTarget]:
    main, security = "http://mirror.test/debian/", "http://mirror.test/debian-security/"
    return [
        IndexTarget("http://other.test/wine/debian/", "bookworm", "main", "others"),
        IndexTarget("cdrom://[Debian]/", "bookworm", "main", "cdrom"),
        IndexTarget(main, "bookworm", "main", "ours"),
        IndexTarget(main, "bookworm-updates", "main", "ours"),
        IndexTarget(security, "bookworm-security", "main", "ours"),
    ]


def test_development_suite_uses_the_configured_mirror(targets: list[IndexTarget]) -> None:
    sources = SystemSources(*DEBIAN, targets, {"ours": DEB822, "others": THIRD_PARTY})
    text = sources.write(Suite.DEVELOPMENT)
    (entry,) = read_apt_sources(text)
    assert entry.uris == ["http://mirror.test/debian/"]
    assert entry.suites == ["sid"]
    assert entry.options["Signed-By"] == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_system_suite_includes_updates_and_security(targets: list[IndexTarget]) -> None:
    sources = SystemSources(*DEBIAN, targets, {"ours": DEB822, "others": THIRD_PARTY})
    text = sources.write(Suite.SYSTEM)
    suites = [entry.suites[0] for entry in read_apt_sources(text)]
    assert suites == ["bookworm", "bookworm-updates", "bookworm-security"]
    assert "other.test" not in text


def test_development_suite_of_ubuntu_is_devel_with_universe() -> None:
    targets = [IndexTarget("http://mirror.test/ubuntu/", "noble", "main", "file")]
    text = SystemSources(*UBUNTU, targets, {}).write(Suite.DEVELOPMENT)
    assert "Suites: devel\n" in text
    assert "Components: main universe\n" in text


def test_sources_without_the_distribution_are_an_error() -> None:
    targets = [IndexTarget("http://other.test/", "bookworm-pgdg", "main", "file")]
    with pytest.raises(FetchError, match="name no archive of Debian"):
        SystemSources(*DEBIAN, targets, {}).write(Suite.SYSTEM)


@pytest.mark.parametrize(
    ("release", "distribution"),
    [
        ({"ID": "debian", "VERSION_CODENAME": "bookworm"}, DEBIAN),
        (
            {
                "ID": "linuxmint",
                "ID_LIKE": "ubuntu debian",
                "VERSION_CODENAME": "zara",
                "UBUNTU_CODENAME": "noble",
            },
            UBUNTU,
        ),
    ],
)
def test_derivative_is_read_as_its_base_distribution(
    release: dict[str, str], distribution: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    assert read_distribution() == distribution


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "fedora"})
    with pytest.raises(FetchError, match="neither Debian nor Ubuntu"):
        read_distribution()


def test_system_without_a_release_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FileNotFoundError

    monkeypatch.setattr("platform.freedesktop_os_release", fail)
    with pytest.raises(FetchError, match="neither Debian nor Ubuntu"):
        read_distribution()

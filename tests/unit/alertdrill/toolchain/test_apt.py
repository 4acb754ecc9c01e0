from pathlib import Path

import pytest

from alertdrill.toolchain.apt import (
    FetchError,
    failure_reason,
    require_command,
    run,
    write_configuration,
)


def test_failure_reason_is_the_first_specific_error() -> None:
    output = "W: slow\nE: The repository is not signed.\nE: Some index files failed to download.\n"
    assert failure_reason("apt-get", output) == "apt-get: The repository is not signed."


def test_unreachable_archive_is_reported_as_no_network() -> None:
    output = "E: Failed to fetch http://m.test/  Temporary failure resolving 'm.test'\n"
    assert failure_reason("apt-get", output).startswith("no network (Failed to fetch")


def test_failure_without_output_has_a_reason() -> None:
    assert failure_reason("dpkg", "\n") == "dpkg failed without a message"


def test_missing_apt_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="apt-get is not on this machine"):
        require_command("apt-get")


def test_failed_command_raises_its_reason() -> None:
    with pytest.raises(FetchError, match="sh: no such package"):
        run(["sh", "-c", "echo 'E: no such package' >&2; exit 100"])


def test_configuration_keeps_apts_state_in_its_own_folder(tmp_path: Path) -> None:
    text = write_configuration(tmp_path, root=False)
    for name in ("Dir::State::Lists", "Dir::Cache", "Dir::Cache::Archives"):
        assert f'{name} "{tmp_path}/' in text
    assert 'APT::Get::AllowUnauthenticated "false"' in text
    assert "Sandbox" not in text
    assert 'APT::Sandbox::User "root"' in write_configuration(tmp_path, root=True)

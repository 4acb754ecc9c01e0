from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from deploy.airgap.env_block import BEGIN, END, read_others, write_env

VALUES = {"PROMETHEUS_VERSION": "v3-local", "GRAFANA_REPLICAS": "0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_block_is_appended(file: Path) -> None:
    file.write_text("LB_PORT=8081")
    write_env(file, VALUES)
    block = f"{BEGIN}\nPROMETHEUS_VERSION=v3-local\nGRAFANA_REPLICAS=0\n{END}\n"
    assert file.read_text() == f"LB_PORT=8081\n{block}"


def test_new_block_replaces_the_old_one(file: Path) -> None:
    write_env(file, VALUES)
    file.write_text(file.read_text() + "LOG_LEVEL=DEBUG\n")
    write_env(file, {"LOKI_REPLICAS": "1"})
    assert file.read_text() == f"LOG_LEVEL=DEBUG\n{BEGIN}\nLOKI_REPLICAS=1\n{END}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"export PROMETHEUS_VERSION=v3.5.0\n", "sets PROMETHEUS_VERSION, which.*that line"),
        (b"PROMETHEUS_VERSION=a\nGRAFANA_REPLICAS=1\n", "GRAFANA_REPLICAS, PROM.*those lines"),
        (f"{BEGIN}\nPROMETHEUS_VERSION=v3\n".encode(), "has no line"),
        (b"\xff", "can't be read"),
    ],
)
def test_conflict_is_an_error_and_changes_nothing(file: Path, text: bytes, message: str) -> None:
    file.write_bytes(text)
    with pytest.raises(AlertdrillError, match=message):
        read_others(file, VALUES)
    with pytest.raises(AlertdrillError, match=message):
        write_env(file, VALUES)
    assert file.read_bytes() == text


def test_writing_keeps_the_mode(file: Path) -> None:
    file.write_text("GRAFANA_PASSWORD=mine\n")
    file.chmod(0o600)
    write_env(file, VALUES)
    assert file.stat().st_mode & 0o777 == 0o600


def test_unwritable_file_is_an_error() -> None:
    with pytest.raises(AlertdrillError, match="can't be written"):
        write_env(Path("/proc/none/.env"), VALUES)

from pathlib import Path

import pytest

from alertdrill.config.env_block import HOST, IMAGES
from alertdrill.errors import AlertdrillError

VALUES = {"PROMETHEUS_VERSION": "v3-local", "GRAFANA_REPLICAS": "0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_block_is_appended(file: Path) -> None:
    file.write_text("LB_PORT=8081")
    IMAGES.write(file, VALUES)
    block = f"{IMAGES.begin}\nPROMETHEUS_VERSION=v3-local\nGRAFANA_REPLICAS=0\n{IMAGES.end}\n"
    assert file.read_text() == f"LB_PORT=8081\n{block}"


def test_new_block_replaces_the_old_one(file: Path) -> None:
    IMAGES.write(file, VALUES)
    file.write_text(file.read_text() + "LOG_LEVEL=DEBUG\n")
    IMAGES.write(file, {"LOKI_REPLICAS": "1"})
    assert file.read_text() == f"LOG_LEVEL=DEBUG\n{IMAGES.begin}\nLOKI_REPLICAS=1\n{IMAGES.end}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"export PROMETHEUS_VERSION=v3.5.0\n", "sets PROMETHEUS_VERSION, which.*that line"),
        (b"PROMETHEUS_VERSION=a\nGRAFANA_REPLICAS=1\n", "GRAFANA_REPLICAS, PROM.*those lines"),
        (f"{IMAGES.begin}\nPROMETHEUS_VERSION=v3\n".encode(), "has no line"),
        (b"\xff", "can't be read"),
    ],
)
def test_conflict_is_an_error_and_changes_nothing(file: Path, text: bytes, message: str) -> None:
    file.write_bytes(text)
    with pytest.raises(AlertdrillError, match=message):
        IMAGES.read_others(file, VALUES)
    with pytest.raises(AlertdrillError, match=message):
        IMAGES.write(file, VALUES)
    assert file.read_bytes() == text


def test_writing_keeps_the_mode(file: Path) -> None:
    file.write_text("GRAFANA_PASSWORD=mine\n")
    file.chmod(0o600)
    IMAGES.write(file, VALUES)
    assert file.stat().st_mode & 0o777 == 0o600


def test_copy_is_private_while_it_is_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("GRAFANA_PASSWORD=mine\n")
    file.chmod(0o600)
    modes = []
    write_text = Path.write_text

    def write(path: Path, text: str) -> int:
        count = write_text(path, text)
        modes.append(path.stat().st_mode & 0o777)
        return count

    monkeypatch.setattr(Path, "write_text", write)
    IMAGES.write(file, VALUES)
    assert modes == [0o600]


def test_unwritable_file_is_an_error() -> None:
    with pytest.raises(AlertdrillError, match="can't be written"):
        IMAGES.write(Path("/proc/none/.env"), VALUES)


def test_block_without_values_is_removed(file: Path) -> None:
    file.write_text("LB_PORT=8081\n")
    HOST.write(file, VALUES)
    HOST.write(file, {})
    assert file.read_text() == "LB_PORT=8081\n"


def test_nothing_to_write_creates_no_file(file: Path) -> None:
    HOST.write(file, {})
    assert not file.exists()


def test_blocks_of_two_commands_stand_side_by_side(file: Path) -> None:
    HOST.write(file, {"LOKI_REPLICAS": "0"})
    IMAGES.write(file, {"LOKI_REPLICAS": "1"})
    assert HOST.begin in file.read_text()
    assert IMAGES.begin in file.read_text()


def test_block_of_the_host_overrides_a_line(file: Path) -> None:
    file.write_text("LOKI_REPLICAS=1\n")
    HOST.write(file, {"LOKI_REPLICAS": "0"})
    assert file.read_text().index("LOKI_REPLICAS=1") < file.read_text().index("LOKI_REPLICAS=0")

from pathlib import Path

import pytest

from deploy.airgap import env_block
from deploy.airgap.env_block import EnvBlockError

VALUES = {"PROMETHEUS_VERSION": "v3-local", "GRAFANA_REPLICAS": "0"}


def test_block_is_appended() -> None:
    text = env_block.with_block("LB_PORT=8081", VALUES)
    assert text.splitlines()[:2] == ["LB_PORT=8081", env_block.BEGIN]
    assert text.endswith(f"GRAFANA_REPLICAS=0\n{env_block.END}\n")


def test_new_block_replaces_the_old_one() -> None:
    first = env_block.with_block("LB_PORT=8081\n", VALUES)
    second = env_block.with_block(first + "LOG_LEVEL=DEBUG\n", {"LOKI_REPLICAS": "1"})
    assert second.count(env_block.BEGIN) == 1
    assert "PROMETHEUS_VERSION" not in second
    assert "LOG_LEVEL=DEBUG\n" in second


def test_variable_set_by_the_user_is_not_overwritten() -> None:
    with pytest.raises(EnvBlockError, match="sets PROMETHEUS_VERSION, which"):
        env_block.with_block("export PROMETHEUS_VERSION=v3.5.0\n", VALUES)


def test_block_without_its_end_is_an_error() -> None:
    with pytest.raises(EnvBlockError, match="has no line"):
        env_block.without_block(f"{env_block.BEGIN}\nPROMETHEUS_VERSION=v3\n")


def test_writing_keeps_the_mode_and_the_other_lines(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("GRAFANA_PASSWORD=mine\n")
    file.chmod(0o600)
    env_block.write_env(file, VALUES)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "GRAFANA_PASSWORD=mine\n" in file.read_text()


def test_missing_file_is_created(tmp_path: Path) -> None:
    env_block.write_env(tmp_path / ".env", VALUES)
    assert (tmp_path / ".env").read_text().startswith(env_block.BEGIN)


def test_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    with pytest.raises(EnvBlockError, match="can't be read"):
        env_block.read_env(tmp_path / ".env")

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.airgap import __main__ as main


@pytest.mark.parametrize("name", ["PULL_POLICY", "LOKI_REPLICAS", "HAPROXY_VERSION"])
def test_conflict_with_env_is_an_error_before_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / ".env").write_text(f"{name}=1\n")
    monkeypatch.setattr(main, "ENV", tmp_path / ".env")
    monkeypatch.setenv("PATH", str(tmp_path))  # no engine either, whose check comes later
    result = CliRunner().invoke(main.airgap, ["build"])
    assert result.exit_code == 1
    assert f"✗ .env sets {name}, which `make images` sets: remove that line." in result.stderr

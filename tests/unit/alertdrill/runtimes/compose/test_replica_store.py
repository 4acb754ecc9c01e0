from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose.docker_client import Container
from alertdrill.runtimes.compose.replica_store import (
    EngineReplicas,
    VolumeReplicas,
    require_containers,
)
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


def listed(tmp_path: Path, text: str | None, *containers: Container) -> dict[str, int]:
    """Return the replica counts that the host reads from a file with `text`."""
    engine: Any = FakeEngine(*containers)

    def read(name: str, path: str) -> str | None:
        assert (name, path) == ("alertdrill-prometheus-1", "/etc/alertdrill/scale/scale.json")
        return text

    engine.read = read
    return EngineReplicas(engine, StackSettings(tmp_path, instances={"web": 3})).all()


def test_host_reads_the_replica_counts_from_the_stack(tmp_path: Path) -> None:
    replicas = listed(tmp_path, '{"web": 4}', container("prometheus-1"))
    assert replicas == {**dict.fromkeys(SERVICES, 2), "web": 4}


@pytest.mark.parametrize("text", [None, "", '{"web": '])
def test_missing_replica_count_is_the_settings(tmp_path: Path, text: str | None) -> None:
    replicas = listed(tmp_path, text, container("prometheus-1"))
    assert replicas == {**dict.fromkeys(SERVICES, 2), "web": 3}


def test_stack_that_is_down_has_the_settings_replica_counts(tmp_path: Path) -> None:
    asleep = container("prometheus-1", "exited")
    assert listed(tmp_path, '{"web": 4}', asleep)["web"] == 3
    assert listed(tmp_path, '{"web": 4}', asleep, container("web-1"))["web"] == 4
    assert listed(tmp_path, '{"web": 4}')["web"] == 3


def test_volume_replicas_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "scale").mkdir()
    (tmp_path / "scale" / "scale.json").write_text('{"web": 4, "data-service": 1}')
    assert [VolumeReplicas(tmp_path).get(name) for name in ("web", "data-service")] == [4, 1]


@pytest.mark.parametrize("numbers", [[1], [3, 4], [1, 3]])
def test_missing_container_number_is_refused(numbers: list[int]) -> None:
    with pytest.raises(AlertdrillError, match="run `make up`"):
        require_containers([container(f"web-{number}") for number in numbers], "web", 2)

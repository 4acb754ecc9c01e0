from pathlib import Path

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.native.replica_store import ReplicaStore
from alertdrill.runtimes.native.stack_plan import Plan


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def store(file: Path) -> ReplicaStore:
    return ReplicaStore(file, StackSettings(file.parent, instances={"web": 3}))


def test_default_replica_count_is_the_settings(store: ReplicaStore) -> None:
    assert (store.get("web"), store.get("data-service")) == (3, 2)


def test_replica_count_is_stored(store: ReplicaStore, file: Path) -> None:
    store.set("web", 4)
    store.set("data-service", 1)
    again = ReplicaStore(file, StackSettings(file.parent))
    assert (again.get("web"), again.get("data-service")) == (4, 1)


def test_reset_restores_the_settings(store: ReplicaStore) -> None:
    store.set("web", 1)
    store.reset()
    store.reset()  # twice is harmless
    assert store.get("web") == 3


def test_broken_file_means_the_settings(store: ReplicaStore, file: Path) -> None:
    file.write_text('{"web": ')
    assert store.get("web") == 3
    store.set("data-service", 1)
    assert (store.get("web"), store.get("data-service")) == (3, 1)


def test_instances_above_the_replica_count_are_not_desired(store: ReplicaStore, plan: Plan) -> None:
    store.set("web", 1)
    by = {process.name for process in plan.processes} - {
        process.name for process in store.desired(plan)
    }
    others = {f"{name}-{number}" for name in SERVICES if name != "web" for number in (3, 4)}
    assert by == {"web-2", "web-3", "web-4", *others}

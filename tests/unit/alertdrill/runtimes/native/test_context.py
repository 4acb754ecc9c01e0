import re
import threading
from pathlib import Path

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import StackUnavailableError
from alertdrill.runtimes.native.context import NativeContext, ReplicaStore
from alertdrill.runtimes.native.processes import Plan, RenderContext
from alertdrill.runtimes.prometheus_tsdb import TsdbError
from alertdrill.toolchain.find import ResolvedPrograms


@pytest.fixture
def context(tmp_path: Path) -> NativeContext:
    return NativeContext(StackSettings(tmp_path))


def test_secrets_are_random_and_private(context: NativeContext, tmp_path: Path) -> None:
    token, password = context.faults_token(), context.grafana_password()
    other = NativeContext(StackSettings(tmp_path / "other"))
    assert len({token, password, other.faults_token(), other.grafana_password()}) == 4
    for file in (context.layout.faults_token, context.layout.grafana_password):
        assert file.stat().st_mode & 0o777 == 0o600


def test_secrets_stay_the_same(context: NativeContext) -> None:
    assert context.faults_token() == context.faults_token()
    assert NativeContext(context.settings).faults_token() == context.faults_token()


def test_empty_secret_is_generated_again(context: NativeContext) -> None:
    context.layout.make()
    context.layout.faults_token.touch(mode=0o600)  # as a crash may leave it
    assert re.fullmatch(r"[\w-]{43}", context.faults_token())


def test_lock_is_exclusive(context: NativeContext) -> None:
    with context.lock():
        second = NativeContext(context.settings).lock()
        with pytest.raises(
            AlertdrillError, match="Another alertdrill command, or the responder, is"
        ):
            second.__enter__()
    with context.lock():
        pass


def test_lock_is_awaited(context: NativeContext) -> None:
    lock = NativeContext(context.settings).lock()
    lock.__enter__()
    other = threading.Timer(0.3, lock.__exit__, (None, None, None))
    other.start()
    with context.lock(timeout=10):
        pass
    other.join()


def test_stack_that_is_down_is_an_error(context: NativeContext) -> None:
    with pytest.raises(StackUnavailableError, match="start it with `make up`"):
        context.require_running()


def test_plan_has_the_installed_programs(
    context: NativeContext, render_context: RenderContext
) -> None:
    plan = context.plan(ResolvedPrograms(render_context.programs, ()))
    assert {"grafana", "loki", "collector"} <= {process.service for process in plan.processes}
    assert plan.processes_of("web")[0].environment["FAULTS_TOKEN"] == context.faults_token()


def test_cache_is_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def locate(_: object, cache: Path, __: object) -> ResolvedPrograms:
        calls.append(cache)
        return ResolvedPrograms({}, ())

    monkeypatch.setattr("alertdrill.runtimes.native.context.resolve_programs", locate)
    monkeypatch.setenv("ALERTDRILL_CACHE", "/from/environment")
    NativeContext(StackSettings(tmp_path, cache=tmp_path / "mine")).locate(lambda _: None)
    NativeContext(StackSettings(tmp_path)).locate(lambda _: None)
    assert calls == [tmp_path / "mine", Path("/from/environment")]


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


@pytest.mark.parametrize("what", ["backfilled", "deleted"])
def test_series_of_other_stacks_are_safe(tmp_path: Path, what: str) -> None:
    context = NativeContext(StackSettings(tmp_path, speed=12.0))
    with pytest.raises(TsdbError, match=f"^The series of this stack can't be {what}: use an eph"):
        context.ephemeral_store(what)

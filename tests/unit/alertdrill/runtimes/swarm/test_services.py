from typing import Any

import docker.errors
import pytest
import requests

from alertdrill.runtimes.errors import StackUnavailableError, SwarmError
from alertdrill.runtimes.swarm.services import MAX_ATTEMPTS, SwarmClient
from alertdrill.runtimes.swarm.tasks import Service
from tests.unit.alertdrill.runtimes.swarm.conftest import FakeClient, refusal


@pytest.fixture
def engine(client: FakeClient) -> SwarmClient:
    engine = SwarmClient("alertdrill", lambda: "")
    engine._client = client
    return engine


def web(engine: SwarmClient) -> Service:
    return engine.services()[0]


def test_missing_engine_says_what_to_do() -> None:
    with pytest.raises(
        StackUnavailableError, match="does not answer: start it, or set DOCKER_HOST"
    ):
        SwarmClient("alertdrill", lambda: "tcp://127.0.0.1:9").services()


def test_stack_that_is_not_deployed_is_unavailable(engine: SwarmClient, client: FakeClient) -> None:
    client.specs.clear()
    with pytest.raises(
        StackUnavailableError, match="no stack named 'alertdrill' in this Swarm: deploy it"
    ):
        engine.services()


def test_engine_without_a_swarm_is_unavailable(
    engine: SwarmClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = "This node is not a swarm manager. Use `docker swarm init`."
    raises(monkeypatch, "services", refusal(503, messages))
    with pytest.raises(StackUnavailableError, match=r"manager\. Use `docker swarm init`\.$"):
        engine.services()


def raises(monkeypatch: pytest.MonkeyPatch, what: str, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(FakeClient, what, fail)


def test_refusal_has_the_engines_message(
    engine: SwarmClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    raises(monkeypatch, "stop", refusal(500, "cannot stop container: x."))
    with pytest.raises(SwarmError, match=r"^The engine refused: cannot stop container: x\.$"):
        engine.end("alertdrill_web.1.t1", 0)


def test_timeout_is_unavailable(engine: SwarmClient, monkeypatch: pytest.MonkeyPatch) -> None:
    raises(monkeypatch, "tasks", requests.ReadTimeout())
    with pytest.raises(StackUnavailableError, match="does not answer"):
        engine.tasks()


def test_missing_container_counts_as_ended(
    engine: SwarmClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    raises(monkeypatch, "stop", docker.errors.NotFound("no such container"))
    engine.end("alertdrill_web.1.t1", 0)


def test_grace_is_rounded_to_seconds(engine: SwarmClient, client: FakeClient) -> None:
    engine.end("alertdrill_web.1.t1", 0.9)
    assert client.changes == [("stop", "alertdrill_web.1.t1", 0)]


def test_only_replicas_are_changed(engine: SwarmClient, client: FakeClient) -> None:
    before = client.inspect_service("id-web")["Spec"]
    assert engine.set_replicas(web(engine), 3) == 2
    assert client.specs["web"] == {**before, "Mode": {"Replicated": {"Replicas": 3}}}


def test_same_replica_count_changes_nothing(engine: SwarmClient, client: FakeClient) -> None:
    assert engine.set_replicas(web(engine), 2) == 2
    assert client.changes == []


def test_replica_count_of_another_client_is_kept(engine: SwarmClient, client: FakeClient) -> None:
    assert engine.set_replicas(web(engine), 1, instead_of=4) == 2
    assert client.changes == []


def test_conflict_is_retried(engine: SwarmClient, client: FakeClient) -> None:
    client.conflicts = MAX_ATTEMPTS - 1
    engine.set_replicas(web(engine), 3)
    assert client.changes == [("update", "id-web", 3)]


def test_endless_conflict_is_an_error(engine: SwarmClient, client: FakeClient) -> None:
    client.conflicts = MAX_ATTEMPTS
    with pytest.raises(SwarmError, match="Others keep changing web"):
        engine.set_replicas(web(engine), 3)


def test_global_service_cannot_be_scaled(engine: SwarmClient, client: FakeClient) -> None:
    client.specs["web"]["Mode"] = {"Global": {}}
    with pytest.raises(SwarmError, match="not a replicated service"):
        engine.set_replicas(web(engine), 3)


def test_containers_of_others_are_left_out(engine: SwarmClient, client: FakeClient) -> None:
    client.node = "far"
    client.begin("web", 3)
    assert set(engine.containers()) == {"t1", "t2", "t3"}

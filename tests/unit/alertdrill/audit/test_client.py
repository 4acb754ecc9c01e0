from alertdrill.audit.client import Client, Failure
from alertdrill.audit.request_scheduler import RequestScheduler
from tests.unit.alertdrill.audit.conftest import Peer


def send(peer: Peer, total: int = 40) -> tuple[Client, list[Failure]]:
    told: list[Failure] = []
    client = Client(f"{peer.url}/", "run", RequestScheduler(total, 1e6), told.append)
    client.start()
    client.finish()
    return client, told


def test_every_request_has_its_own_id(peer: Peer) -> None:
    client, told = send(peer)
    assert sorted(headers["X-Request-ID"] for _, _, headers in peer.count_ids) == list(client.sent)
    assert {(method, path) for method, path, _ in peer.count_ids} == {("POST", "/process")}
    assert (client.answered, client.failures, told) == (40, [], [])


def test_refused_request_is_told(peer: Peer) -> None:
    peer.answer = lambda *_: (503, '{"detail": "No instance is free."}')
    client, told = send(peer, 1)
    assert client.failures == told == [Failure("run-000000", "503 No instance is free.")]
    assert client.answered == 0


def test_status_alone_is_enough(peer: Peer) -> None:
    peer.answer = lambda *_: (500, "oops")
    assert send(peer, 1)[1] == [Failure("run-000000", "500")]


def test_request_without_an_answer_is_told_once(peer: Peer) -> None:
    peer.answer = lambda *_: None
    assert send(peer, 1)[1] == [Failure("run-000000", "no answer (ConnectionError)")]
    assert len(peer.count_ids) == 1

from alertdrill.audit.client import Client, Failure
from alertdrill.audit.schedule import RequestScheduler
from tests.unit.alertdrill.audit.conftest import ROUTE, Peer


def send(peer: Peer, total: int = 40) -> tuple[Client, list[Failure]]:
    reported: list[Failure] = []
    client = Client(f"{peer.url}/", ROUTE, "run", RequestScheduler(total, 1e6), reported.append)
    client.start()
    client.finish()
    return client, reported


def test_every_request_has_its_own_id(peer: Peer) -> None:
    client, reported = send(peer)
    assert sorted(headers["X-Request-ID"] for _, _, headers in peer.requests) == list(client.sent)
    assert {(method, path) for method, path, _ in peer.requests} == {("POST", "/process")}
    assert (client.answered, client.failures, reported) == (40, [], [])


def test_refused_request_is_reported_with_status_and_detail(peer: Peer) -> None:
    peer.answer = lambda *_: (503, '{"detail": "No instance is free."}')
    client, reported = send(peer, 1)
    assert client.failures == reported == [Failure("run-000000", "503 No instance is free.")]
    assert client.answered == 0


def test_error_without_detail_is_reported_with_its_status(peer: Peer) -> None:
    peer.answer = lambda *_: (500, "oops")
    assert send(peer, 1)[1] == [Failure("run-000000", "500")]


def test_unanswered_request_is_reported_once_and_not_sent_again(peer: Peer) -> None:
    peer.answer = lambda *_: None
    assert send(peer, 1)[1] == [Failure("run-000000", "no answer (ConnectionError)")]
    assert len(peer.requests) == 1

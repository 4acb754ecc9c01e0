from alertdrill.kill_matrix.client import SteadyClient
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.audit.conftest import ROUTE
from tests.unit.alertdrill.drills.fakes import poll_until


def test_lost_requests_are_counted_by_number(peer: Peer) -> None:
    peer.answer = lambda: Answer(503, b"{}")
    client = SteadyClient(peer.url, ROUTE, 20)
    client.start()
    poll_until(lambda: client.sent >= 5, "five requests")
    client.stop()
    client.finish()
    assert client.ended(5)
    assert client.count_lost(2, 5) == 3
    assert client.count_lost(client.sent, client.sent + 5) == 0


def test_answered_requests_are_not_lost(peer: Peer) -> None:
    client = SteadyClient(peer.url, ROUTE, 20)
    client.start()
    poll_until(lambda: len(client.answered) >= 5, "five answers")
    client.stop()
    client.finish()
    assert client.ended(client.sent)
    assert not client.ended(client.sent + 1)
    assert client.count_lost(0, client.sent) == 0

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from alertdrill.runtimes.native import haproxy_socket
from alertdrill.runtimes.native.haproxy_socket import LoadBalancer, LoadBalancerError
from alertdrill.runtimes.native.layout import Layout

STATISTICS = """\
# pxname,svname,qcur,qmax,scur,smax,status,
public,FRONTEND,,,3,5,OPEN,
web,web-1,2,4,5,8,UP,
web,web-2,0,4,0,8,DRAIN_TIMEOUT_S,
web,web-3,0,0,0,0,MAINT,
web,web-4,0,0,0,0,UP 1/2,
web,BACKEND,0,0,5,8,UP,
data-service,BACKEND,0,0,0,0,DOWN,

"""
STATE = "1\n# be_id be_name\n3 web\n\n"


class FakeLb:
    """Answers one command per connection, like HAProxy, and records it."""

    def __init__(self, path: Path) -> None:
        self.calls: list[str] = []
        self.answers = {"show stat": STATISTICS, "show servers state": STATE}
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # closed, which ends it
            while True:
                line, _ = self._server.accept()
                with line:
                    command = line.recv(1000).decode().strip()
                    self.calls.append(command)
                    # In two chunks, like a long answer.
                    answer = self.answers.get(command, "\n").encode()
                    line.sendall(answer[:50])
                    line.sendall(answer[50:])

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()


@pytest.fixture
def fake(layout: Layout) -> Iterator[FakeLb]:
    server = FakeLb(layout.lb_socket)
    yield server
    server.close()


@pytest.fixture
def balancer(layout: Layout) -> LoadBalancer:
    return LoadBalancer(layout)


def test_set_saves_the_state_for_restarts(
    fake: FakeLb, balancer: LoadBalancer, layout: Layout
) -> None:
    layout.lb_state.write_text("before")
    balancer.set("web", "web-1", "drain")
    assert fake.calls == ["set server web/web-1 state drain", "show servers state"]
    assert layout.lb_state.read_text() == STATE


def test_refusal_has_its_message(fake: FakeLb, balancer: LoadBalancer, layout: Layout) -> None:
    fake.answers["set server web/web-9 state maint"] = "No such server.\n\n"
    with pytest.raises(
        LoadBalancerError, match=r"refused to set web-9 to maint: No such server\.$"
    ):
        balancer.set("web", "web-9", "maint")
    assert not layout.lb_state.exists()


def test_queued_requests_count_as_sessions(fake: FakeLb, balancer: LoadBalancer) -> None:
    assert balancer.sessions("web", "web-1") == 7
    assert balancer.sessions("web", "web-2") == 0


def test_server_is_up_if_it_gets_requests(fake: FakeLb, balancer: LoadBalancer) -> None:
    names = [f"web-{number}" for number in range(1, 5)]
    assert [name for name in names if balancer.is_up("web", name)] == ["web-1", "web-4"]


def test_unknown_server_is_named(fake: FakeLb, balancer: LoadBalancer) -> None:
    with pytest.raises(LoadBalancerError, match="no server web-9 in backend web"):
        balancer.sessions("web", "web-9")


def test_missing_lb_is_one_sentence(balancer: LoadBalancer) -> None:
    with pytest.raises(LoadBalancerError, match=r"does not answer \(.*\): see `make logs S=lb`"):
        balancer.is_up("web", "web-1")


def test_hanging_lb_times_out(
    layout: Layout, balancer: LoadBalancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy_socket, "TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(layout.lb_socket))
        silent.listen()
        with pytest.raises(LoadBalancerError, match=r"does not answer \(timed out\)"):
            balancer.is_up("web", "web-1")

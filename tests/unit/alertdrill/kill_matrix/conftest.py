from collections.abc import Iterator

import pytest

from tests.http_server import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()

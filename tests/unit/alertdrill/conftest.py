"""Fixtures of all tests of the command and its engine."""

from collections.abc import Iterator

import pytest

from tests.http_server import FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.close()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.grafana.fake_prometheus import FakePrometheus


def series(name: str, service: str) -> dict[str, str]:
    return {"__name__": name, "job": "services", "service": service, "instance": f"{service}-1"}


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    """Return a fake Prometheus with two services."""
    server = FakePrometheus(
        *(series(name, service) for name in ("up", "requests_total") for service in ("web", "chat"))
    )
    yield server
    server.close()

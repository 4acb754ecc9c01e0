import json
from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.audit.client import Route
from alertdrill.audit.report import CompletedStep, CountSource, Report
from tests.http_server import Peer

ROUTE = Route("/process", [{"mass": 1}], ("web", "data-service"))
PUBLIC, INTERNAL, WEB, DATA_SERVICE = ROUTE.hops


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def access(service: str, id_: str = "run-1", **more: Any) -> dict[str, Any]:
    """Return the fields of an access line."""
    return {
        "logger": "access",
        "service": service,
        "request_id": id_,
        "path": "/process",
        **more,
    }


def line(service: str, id_: str = "run-1", **more: Any) -> str:
    return json.dumps(access(service, id_, **more))


def lb(id_: str = "run-1", frontend: str = "public", retries: str = "0", **more: Any) -> str:
    return line("lb", id_, frontend=frontend, retries=retries, **more)


def a_report(*sources: CountSource, **changed: Any) -> Report:
    values = {
        "began": 1_700_000_000.0,
        "ended": 1_700_000_090.0,
        "runtime": "native",
        "stack": "an ephemeral stack",
        "store": "Loki",
        "requests": 3,
        "rate": 100.0,
        "rounds": 1,
        "steps": [CompletedStep("restart web", 1, 2.5), CompletedStep("scale web=3", 2, 1.5)],
        "failures": [],
        "retries": {"web": 0, "data-service": 1},
        "sources": [CountSource("client: answered", 3, 3), *sources],
    }
    return Report(**{**values, **changed})

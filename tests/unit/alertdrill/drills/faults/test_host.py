import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config import ROOT
from alertdrill.drills.faults import Fault, host
from alertdrill.drills.model import DrillError
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import of_run, poll_until

Make = Callable[..., Fault]


FREE = 1_000_000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a megabyte free on the disk."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=FREE))


def test_file_on_the_host_grows_to_its_limit(
    make: Make, runtime: Any, disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "GROWTH_INTERVAL_S", 0.01)
    file = runtime.scratch_folder() / "drill.fill"
    sizes: set[int] = set()
    runtime.speed = 10.0
    fault = make("disk_fill", where="host", share_per_second=0.01)  # a tenth takes 1 s
    assert list(fault.undo) == [("remove_file", str(file))]
    limit = host.MAX_FRACTION * FREE

    def full() -> bool:
        sizes.add(file.stat().st_size)
        return max(sizes) >= limit

    fault.inject()
    poll_until(file.exists, "the file")
    poll_until(full, "the full file")
    fault.stop()
    assert len(sizes) > 3
    assert file.stat().st_size == limit


@pytest.fixture
def storage(
    runtime: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> dict[str, float | None]:
    """Return the bytes that the fake Prometheus reports for its storage; a test may change them."""
    storage_bytes: dict[str, float | None] = {"limit": 1000.0, "used": 400.0}
    runtime.urls["prometheus"] = server.url
    monkeypatch.setattr(
        "alertdrill.clients.prometheus.Prometheus.value",
        lambda _, query: storage_bytes["limit" if "limit" in query else "used"],
    )
    return storage_bytes


@pytest.mark.parametrize(("used", "taken"), [(400.0, 550), (950.0, 0), (2000.0, 0)])
def test_prometheus_storage_is_filled_up(
    make: Make, runtime: Any, storage: dict[str, float | None], used: float, taken: int
) -> None:
    storage["used"] = used
    fault = make("disk_fill", where="prometheus", to=0.95)
    fault.inject()
    fault.stop()
    file = runtime.data_folder("prometheus") / "wal" / "drill.fill"
    assert list(fault.undo) == [("remove_file", str(file))]
    assert file.stat().st_size == taken


@pytest.mark.parametrize("absent", ["limit", "used"])
def test_storage_without_limit_is_refused(
    make: Make, storage: dict[str, float | None], absent: str
) -> None:
    storage[absent] = None
    with pytest.raises(DrillError, match="set PROMETHEUS_RETENTION_SIZE"):
        make("disk_fill", where="prometheus", to=0.95).inject()


def test_file_in_prometheus_storage_is_limited(
    make: Make, storage: dict[str, float | None], disk: None
) -> None:
    storage["limit"] = FREE * 0.9
    with pytest.raises(DrillError):
        make("disk_fill", where="prometheus", to=0.95).inject()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("cpu_stress", {"cores": "all"}),
        ("memory_pressure", {"initial_available": 0.995, "available": 0.99}),
    ],
)
def test_stress_process_ends_with_the_fault(
    make: Make, monkeypatch: pytest.MonkeyPatch, kind: str, parameters: dict[str, Any]
) -> None:
    monkeypatch.chdir(ROOT)  # where the command line is
    run = f"test-{uuid.uuid4()}"
    fault = make(kind, run_id=run, **parameters)
    fault.prepare()
    fault.inject()
    poll_until(lambda: of_run(run), "the stress")
    fault.stop()
    poll_until(lambda: of_run(run) == [], "the end of the stress")
    assert list(fault.undo) == []

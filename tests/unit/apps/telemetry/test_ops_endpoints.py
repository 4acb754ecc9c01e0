from __future__ import annotations

import pytest

from apps.telemetry.ops_endpoints import METRICS_PATH, OPS_PATHS, is_ops_endpoint


def test_operations_are_the_contracts() -> None:
    assert OPS_PATHS == ("/healthz", "/readyz", "/metrics", "/faults")
    assert METRICS_PATH in OPS_PATHS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/faults", "/faults/errors"])
def test_operations_are_no_business(path: str) -> None:
    assert is_ops_endpoint(path)


@pytest.mark.parametrize("path", ["/", "/process", "/healthzz", "/a/metrics", "/Faults"])
def test_everything_else_is_business(path: str) -> None:
    assert not is_ops_endpoint(path)

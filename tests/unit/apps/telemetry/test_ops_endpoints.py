from __future__ import annotations

import pytest

from apps.telemetry.ops_endpoints import METRICS_PATH, OPS_PATHS, is_ops_endpoint


def test_ops_paths_are_those_of_the_contract() -> None:
    assert OPS_PATHS == ("/healthz", "/readyz", "/metrics", "/faults")
    assert METRICS_PATH in OPS_PATHS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/faults", "/faults/errors"])
def test_ops_paths_are_recognized(path: str) -> None:
    assert is_ops_endpoint(path)


@pytest.mark.parametrize("path", ["/", "/process", "/healthzz", "/a/metrics", "/Faults"])
def test_other_paths_are_not_ops_endpoints(path: str) -> None:
    assert not is_ops_endpoint(path)

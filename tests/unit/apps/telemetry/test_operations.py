from __future__ import annotations

import pytest

from apps.telemetry.operations import METRICS_PATH, OPERATIONS_PATHS, is_operation


def test_operations_are_the_contracts() -> None:
    assert OPERATIONS_PATHS == ("/healthz", "/readyz", "/metrics", "/faults")
    assert METRICS_PATH in OPERATIONS_PATHS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/faults", "/faults/errors"])
def test_operations_are_no_business(path: str) -> None:
    assert is_operation(path)


@pytest.mark.parametrize("path", ["/", "/process", "/healthzz", "/a/metrics", "/Faults"])
def test_everything_else_is_business(path: str) -> None:
    assert not is_operation(path)

"""The one list of paths that are not business: no metrics, no access lines, no faults."""

from __future__ import annotations

METRICS_PATH = "/metrics"
OPERATIONS_PATHS = ("/healthz", "/readyz", METRICS_PATH, "/faults")


def is_operation(path: str) -> bool:
    """Tell whether a request path belongs to the operations endpoints."""
    return any(path == known or path.startswith(known + "/") for known in OPERATIONS_PATHS)

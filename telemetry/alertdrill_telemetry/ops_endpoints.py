"""The paths of the operations endpoints. They get no metrics, access lines or faults."""

from __future__ import annotations

METRICS_PATH = "/metrics"
OPS_PATHS = ("/healthz", "/readyz", METRICS_PATH, "/faults")


def is_ops_endpoint(path: str) -> bool:
    """Return whether a request path belongs to an operations endpoint."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in OPS_PATHS)

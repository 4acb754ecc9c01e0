"""Which images the stack runs under Docker: a tag each, and the digest where it is pinned."""

from __future__ import annotations

from dataclasses import dataclass

from . import VERSION


@dataclass(frozen=True)
class Versions:
    """The field's name in capitals + `_VERSION` is the variable that sets it.

    `docker-compose.yml` has the same defaults; a test keeps them equal.
    """

    firedrill: str = VERSION
    python: str = "3.13-slim-trixie"
    busybox: str = "1.37.0-musl"
    haproxy: str = "3.0"
    prometheus: str = "v3.5.0"
    alertmanager: str = "v0.28.1"
    loki: str = "3.4.3"
    collector: str = "0.128.0"
    grafana: str = "12.0.2"
    node_exporter: str = "v1.9.1"
    blackbox_exporter: str = "v0.27.0"
    pushgateway: str = "v1.11.1"

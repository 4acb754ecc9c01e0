"""The image versions of the stack: tags, with digests if pinned."""

from __future__ import annotations

from dataclasses import dataclass

from . import VERSION


@dataclass(frozen=True)
class ImageVersions:
    """The field's name in capitals + `_VERSION` is the variable that sets it.

    `docker-compose.yml` has the same defaults; a test keeps them equal.
    """

    alertdrill: str = VERSION
    python: str = (
        "3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285"
    )
    busybox: str = (
        "1.37.0-musl@sha256:222ad6d973c0d198014546a65cd02c5fdedcc172123c5b4c2bf0af636550bd94"
    )
    haproxy: str = "3.0.10"
    prometheus: str = (
        "v3.5.0@sha256:63805ebb8d2b3920190daf1cb14a60871b16fd38bed42b857a3182bc621f4996"
    )
    alertmanager: str = (
        "v0.28.1@sha256:27c475db5fb156cab31d5c18a4251ac7ed567746a2483ff264516437a39b15ba"
    )
    loki: str = "3.4.3"
    collector: str = (
        "0.148.0@sha256:8164eab2e6bca9c9b0837a8d2f118a6618489008a839db7f9d6510e66be3923c"
    )
    grafana: str = "12.0.2@sha256:b5b59bfc7561634c2d7b136c4543d702ebcc94a3da477f21ff26f89ffd4214fa"
    node_exporter: str = (
        "v1.9.1@sha256:d00a542e409ee618a4edc67da14dd48c5da66726bbd5537ab2af9c1dfc442c8a"
    )
    blackbox_exporter: str = (
        "v0.27.0@sha256:a50c4c0eda297baa1678cd4dc4712a67fdea713b832d43ce7fcc5f9bea05094d"
    )
    pushgateway: str = "v1.11.1"

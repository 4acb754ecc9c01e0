"""A Loki for the tests, whose ruler runs each alert's rule for a separate tenant."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from alertdrill.config import ROOT
from alertdrill.runtimes.speed import loki_flags
from alertdrill.timescale.ephemeral_stack_settings import free_ports
from tests.e2e.stack import poll_until

LINKS = {"RESPONDER_URL": "http://responder", "GRAFANA_URL": "http://grafana"}


class LokiServer:
    """A running Loki at `url`; each method is about one tenant."""

    def __init__(self, url: str) -> None:
        self.url = url

    def push(self, tenant: str, streams: Sequence[Mapping[str, Any]]) -> None:
        """Push streams, in the format of Loki's API."""
        response = requests.post(
            f"{self.url}/loki/api/v1/push",
            json={"streams": streams},
            headers={"X-Scope-OrgID": tenant},
            timeout=10,
        )
        assert response.ok, response.text

    def evaluate(self, tenant: str, expression: str, at: float) -> list[dict[str, Any]]:
        """Return the instant vector of an expression at a time (seconds since 1970)."""
        samples: list[dict[str, Any]] = self._get(
            tenant, "/loki/api/v1/query", query=expression, time=f"{at * 1e9:.0f}"
        )["data"]["result"]
        return samples

    def rule(self, tenant: str) -> dict[str, Any]:
        """Return the state of the tenant's only rule."""
        (group,) = self._get(tenant, "/prometheus/api/v1/rules")["data"]["groups"]
        (rule,) = group["rules"]
        return dict(rule)

    def _get(self, tenant: str, path: str, **parameters: str) -> Any:
        response = requests.get(
            self.url + path, params=parameters, headers={"X-Scope-OrgID": tenant}, timeout=10
        )
        assert response.ok, response.text
        return response.json()


@contextmanager
def run_loki(folder: Path, rules: Mapping[str, str], speed: float) -> Iterator[LokiServer]:
    """Run a Loki with our configuration; `rules` has each tenant's rule file."""
    for tenant, text in rules.items():
        tenant_folder = folder / "etc" / "rules" / tenant
        tenant_folder.mkdir(parents=True)
        (tenant_folder / "rules.yml").write_text(text)
    (folder / "etc" / "overrides.yml").write_text("overrides: {}\n")
    ports = free_ports()
    environment = {
        "LOKI_DATA": str(folder / "data"),
        "LOKI_ETC": str(folder / "etc"),
        "LOKI_PORT": str(ports.loki),
        "LOKI_GRPC_PORT": str(ports.loki_grpc),
        "ALERTMANAGER_URL": "http://127.0.0.1:9",  # no Alertmanager; the tests query the alerts
        **LINKS,
    }
    config = f"-config.file={ROOT / 'loki' / 'loki.yml'}"
    command = ["loki", config, "-config.expand-env=true", "-auth.enabled=true", *loki_flags(speed)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        try:
            loki = LokiServer(f"http://127.0.0.1:{ports.loki}")
            poll_until(lambda: _ready(process, loki, folder), "Loki to be ready", 30)
            yield loki
        finally:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], loki: LokiServer, folder: Path) -> bool:
    assert process.poll() is None, (folder / "log").read_text()
    try:
        return requests.get(f"{loki.url}/ready", timeout=2).ok
    except requests.RequestException:
        return False

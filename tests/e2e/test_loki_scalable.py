"""Loki in three targets with the flags of the overlay, and a folder instead of object storage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from alertdrill.clients.loki import Loki
from alertdrill.config import ROOT
from alertdrill.runtimes.native import configs
from alertdrill.runtimes.native.components import LOOPBACK
from alertdrill.runtimes.native.layout import Layout
from tests.e2e.log_pipeline import LogPipeline, line
from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import free_ports, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.loki, needs_loki_and_collector]
TARGETS = ("write", "backend", "read")
# Flags that are about containers or the object storage.
CONTAINER_FLAGS = ("-config.file", "-memberlist.join", "-common.compactor-address", "-s3.")


class Tagged(yaml.SafeLoader):
    """Reads Compose's `!override` as the plain value."""


Tagged.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_sequence(node)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node)
    ),
)


@dataclass
class Targets:
    """The three processes, below `home`."""

    home: Path
    ports: dict[str, int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, target: str, path: str = "") -> str:
        """Return the address of a target."""
        return f"http://{LOOPBACK}:{self.ports[f'{target} http']}{path}"

    def start(self, target: str) -> None:
        """Start a target with the flags of its container."""
        services = yaml.load((ROOT / "deploy/loki-scalable/compose.yml").read_text(), Tagged)
        command = services["services"][f"loki-{target}"]["command"]
        flags = [flag for flag in command if not flag.startswith(CONTAINER_FLAGS)]
        data = self.home / target
        data.mkdir(exist_ok=True)
        if not (data / "chunks").exists():
            (data / "chunks").symlink_to(self.home / "shared")
        peers = [self.ports[f"{peer} gossip"] for peer in TARGETS]
        with (self.home / f"{target}.log").open("ab") as log:
            self.running[target] = subprocess.Popen(
                [
                    "loki",
                    f"-config.file={ROOT / 'loki' / 'loki.yml'}",
                    *flags,
                    f"-common.compactor-address={self.url('backend')}",
                    # Natively it would choose another interface.
                    f"-frontend.instance-addr={LOOPBACK}",
                    f"-memberlist.advertise-addr={LOOPBACK}",
                    f"-memberlist.bind-port={self.ports[f'{target} gossip']}",
                    f"-memberlist.advertise-port={self.ports[f'{target} gossip']}",
                    *(f"-memberlist.join={LOOPBACK}:{port}" for port in peers),
                ],
                env=os.environ | self._environment(target, data),
                stdout=log,
                stderr=log,
            )

    def _environment(self, target: str, data: Path) -> dict[str, str]:
        return {
            "LOKI_DATA": str(data),
            "LOKI_ETC": str(etc(self.home)),
            "LOKI_PORT": str(self.ports[f"{target} http"]),
            "LOKI_GRPC_PORT": str(self.ports[f"{target} grpc"]),
            "LOKI_RING": "memberlist",
            "ALERTMANAGER_URL": f"http://{LOOPBACK}:1",
            "RESPONDER_URL": f"http://{LOOPBACK}:2",
            "GRAFANA_URL": f"http://{LOOPBACK}:3",
        }

    def close(self) -> None:
        """Kill all three."""
        for process in self.running.values():
            process.send_signal(signal.SIGKILL)
            process.wait(30)


def etc(home: Path) -> Path:
    """Return the folder of rules and limits, laid out as the runtimes do."""
    layout = Layout(home)
    for name in ("loki/rules/fake", "loki/overrides.yml"):
        configs.install(layout, name, 1)
    return layout.etc / "loki"


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """Start the three targets and wait until each is ready."""
    home = tmp_path_factory.mktemp("scalable")
    (home / "shared").mkdir()
    names = [f"{target} {kind}" for target in TARGETS for kind in ("http", "grpc", "gossip")]
    ports = sorted(map(int, free_ports().values()))
    targets = Targets(home, dict(zip(names, ports, strict=False)))
    try:
        for target in TARGETS:
            targets.start(target)
        for target in TARGETS:
            poll_until(lambda t=target: ready(targets, t), f"{target} to be ready", 90)  # type: ignore[misc]
        yield targets
    finally:
        targets.close()


def ready(targets: Targets, target: str) -> bool:
    try:
        return requests.get(targets.url(target, "/ready"), timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def delivered(targets: Targets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Send a line through the collector to the writer."""
    pipeline = LogPipeline(tmp_path_factory.mktemp("collector"))
    try:
        pipeline.start_collector(LOKI_URL=targets.url("write"))
        pipeline.write("web-1.jsonl", line(message="split up", request_id="a-request"))
        pipeline.store = Loki(targets.url("read"))
        yield pipeline
    finally:
        pipeline.close()


def test_targets_find_each_other(targets: Targets) -> None:
    for target in TARGETS:
        page = requests.get(targets.url(target, "/memberlist"), timeout=5)
        members = page.text.count(f"{LOOPBACK}:")
        assert members >= len(TARGETS)
    ring = requests.get(targets.url("write", "/ring"), timeout=5).text
    assert "ACTIVE" in ring


def test_written_line_is_read(delivered: LogPipeline) -> None:
    """The line has the labels and fields of a single Loki."""
    (stored,) = delivered.await_lines('{service="web",instance="web-1",level="INFO"}', 1)
    assert (stored.message, stored.fields["request_id"]) == ("split up", "a-request")


def test_stored_line_is_read_without_memory(targets: Targets, delivered: LogPipeline) -> None:
    delivered.await_lines('{service="web"}', 1)
    requests.post(targets.url("write", "/flush"), timeout=10).raise_for_status()
    writer = targets.running["write"]
    writer.send_signal(signal.SIGTERM)  # its index goes to the store then
    writer.wait(60)
    shutil.rmtree(targets.home / "write" / "wal")
    targets.start("write")
    poll_until(lambda: ready(targets, "write"), "the writer to be back", 60)
    assert [line.message for line in delivered.await_lines('{service="web"}', 1)] == ["split up"]


def test_only_the_backend_compacts(targets: Targets) -> None:
    compacting = {
        target: "loki_boltdb_shipper_compactor_running 1"
        in requests.get(targets.url(target, "/metrics"), timeout=5).text
        for target in TARGETS
    }
    assert compacting == {"write": False, "backend": True, "read": False}

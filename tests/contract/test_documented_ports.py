"""The settings, the example and the README have the same ports."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from alertdrill.config.service import MAX_REPLICAS
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import Ports
from alertdrill.runtimes.compose.init_config import RenderContext, write_backends

IN_CONTAINERS = {"web": 5000, "data-service": 5001}


def test_example_shows_every_port(root: Path) -> None:
    lines = re.findall(r"^(\w+)_PORT=(\d+)$", (root / ".env.example").read_text(), re.MULTILINE)
    assert {name.lower(): int(port) for name, port in lines} == asdict(Ports())


def test_readme_table_has_the_ports(root: Path) -> None:
    rows = re.findall(r"^\|.*http://127\.0\.0\.1:(\d+)", (root / "README.md").read_text(), re.M)
    assert len(rows) == 8
    assert set(map(int, rows)) <= set(asdict(Ports()).values())


@pytest.mark.parametrize("service", IN_CONTAINERS)
def test_lb_looks_for_containers_at_the_service_port(tmp_path: Path, service: str) -> None:
    write_backends(replace(RenderContext.from_env({}), etc=tmp_path))
    configuration = (tmp_path / "lb/backends.cfg").read_text()
    for number in range(1, MAX_REPLICAS + 1):
        name = f"{service}-{number}"
        port = IN_CONTAINERS[service]
        line = f"server {name} alertdrill-{name}:{port} check port {port + 50}\n"
        assert line in configuration
    assert SERVICES[service].port == IN_CONTAINERS[service]

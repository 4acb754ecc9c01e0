"""Where everything listens: the design's table, the settings and what the user is told."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from firedrill.settings import Ports

DESIGN = {
    "lb": 8080,
    "grafana": 3000,
    "prometheus": 9090,
    "alertmanager": 9093,
    "loki": 3100,
    "responder": 8090,
    "lb_stats": 8404,
    "locust": 8089,
}
# What the design names and the stack does not start yet.
NOT_YET = {"locust"}
PORTS = {part: port for part, port in DESIGN.items() if part not in NOT_YET}
IN_CONTAINERS = {"web": 5000, "data-service": 5001}


@pytest.mark.parametrize("part", PORTS)
def test_setting_is_the_designs(part: str) -> None:
    assert asdict(Ports())[part] == PORTS[part]


def test_later_ports_stay_free() -> None:
    assert {DESIGN[part] for part in NOT_YET}.isdisjoint(asdict(Ports()).values())


def test_example_shows_every_port(root: Path) -> None:
    lines = re.findall(r"^(\w+)_PORT=(\d+)$", (root / ".env.example").read_text(), re.MULTILINE)
    assert {name.lower(): int(port) for name, port in lines} == asdict(Ports())


def test_readme_table_has_the_ports(root: Path) -> None:
    rows = re.findall(r"^\|.*http://127\.0\.0\.1:(\d+)", (root / "README.md").read_text(), re.M)
    assert sorted(map(int, rows)) == sorted(PORTS.values())


@pytest.mark.parametrize("service", IN_CONTAINERS)
def test_lb_finds_containers_there(root: Path, service: str) -> None:
    template = f'server-template {service}- 8 "{service}:{IN_CONTAINERS[service]}"'
    assert template in (root / "lb/haproxy.cfg").read_text()

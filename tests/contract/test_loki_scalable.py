"""Compose accepts the overlay of a Loki in parts, and its containers are hardened as the others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alertdrill.runtimes.select import has_compose

ROOT = Path(__file__).parents[2]
FILES = ("-f", "docker-compose.yml", "-f", "deploy/loki-scalable/compose.yml")
PARTS = ("loki-write", "loki-read", "loki-backend")
STORAGE = {
    "LOKI_S3_ENDPOINT": "http://storage:9000",
    "LOKI_S3_BUCKET": "logs",
    "LOKI_S3_ACCESS_KEY_ID": "a-key",
    "LOKI_S3_SECRET_ACCESS_KEY": "a-secret",
}
pytestmark = pytest.mark.skipif(not has_compose(), reason="needs Docker Compose")


def config(*words: str, **storage: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in STORAGE}
    return subprocess.run(
        ["docker", "compose", "--env-file", "/dev/null", *FILES, "config", *words],
        cwd=ROOT,
        env=environment | storage,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(config("--format", "json", **STORAGE).stdout)
    return dict(document["services"])


def test_compose_takes_the_overlay() -> None:
    assert config("--quiet", **STORAGE).stderr == ""


@pytest.mark.parametrize("name", STORAGE)
def test_storage_has_no_default(name: str) -> None:
    others = {key: value for key, value in STORAGE.items() if key != name}
    assert name in config("--quiet", **others).stderr


@pytest.mark.parametrize("name", PARTS)
def test_loki_targets_are_hardened_like_other_containers(
    services: dict[str, Any], name: str
) -> None:
    part = services[name]
    assert part["read_only"]
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["user"] == "10001:10001"
    assert part["image"].startswith("grafana/loki:3.")
    assert not part.get("ports")
    assert set(part["networks"]) == {"telemetry", "storage"}
    limits = part["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", PARTS)
def test_loki_targets_read_the_same_configuration(services: dict[str, Any], name: str) -> None:
    mounted = {volume["target"]: volume["source"] for volume in services[name]["volumes"]}
    assert mounted["/etc/loki/loki.yml"] == str(ROOT / "loki" / "loki.yml")
    assert mounted["/loki"] == name  # a volume of its own
    assert f"-target={name.removeprefix('loki-')}" in services[name]["command"]
    assert "a-secret" not in " ".join(services[name]["command"])


def test_gateway_replaces_loki(services: dict[str, Any]) -> None:
    gateway = services["loki"]
    assert gateway["image"].startswith("haproxy:")
    assert gateway["networks"]["telemetry"]["aliases"] == ["loki-on-telemetry"]
    assert gateway["ports"][0]["host_ip"] == "127.0.0.1"
    assert "AWS_SECRET_ACCESS_KEY" not in gateway["environment"]

from dataclasses import fields
from pathlib import Path

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import Ports, StackSettings, instance_port_range
from alertdrill.timescale import ephemeral_stack_settings
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings
from alertdrill.timescale.render import TimescaleError


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    base = StackSettings(
        tmp_path,
        lb_address="0.0.0.0",
        faults_enabled=False,
        retention="3d",
        healing="off",
    )
    return ephemeral_settings(base, 12)


def all_ports(ports: Ports) -> list[int]:
    parts = [value for name, value in vars(ports).items() if name != "instances"]
    return [*parts, *ports.of_instances()]


def test_ephemeral_stack_enables_faults_and_healing(
    settings: StackSettings, tmp_path: Path
) -> None:
    assert (settings.home, settings.speed, settings.ephemeral) == (tmp_path / "ephemeral", 12, True)
    assert (settings.lb_address, settings.retention) == ("127.0.0.1", "3d")
    assert (settings.faults_enabled, settings.healing) == (True, "on")


def test_ports_are_distinct_and_in_range(settings: StackSettings) -> None:
    ports = all_ports(settings.ports)
    # Each instance has two: its own and that of its operations.
    instances = 2 * sum(service.replicas.max for service in SERVICES.values())
    assert len(ports) == len(set(ports)) == len(fields(Ports)) - 1 + instances
    assert all(
        ephemeral_stack_settings.MIN_PORT <= port < ephemeral_stack_settings.MAX_PORT
        for port in ports
    )


def test_port_blocks_in_use_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    free = range(31000, 31000 + 3 * (instance_port_range() + 1))
    monkeypatch.setattr(ephemeral_stack_settings, "_free", lambda port: port in free)
    assert all(port in free for port in all_ports(ephemeral_stack_settings.free_ports()))


def test_missing_free_ports_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ephemeral_stack_settings, "_free", lambda _: False)
    with pytest.raises(TimescaleError, match=r"consecutive ports are free from 30000 to 32500"):
        ephemeral_stack_settings.free_ports()


def test_bad_speed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimescaleError):
        ephemeral_settings(StackSettings(tmp_path), 0)

from dataclasses import fields, replace
from pathlib import Path

import pytest

from alertdrill.settings import MAX_REPLICAS, SERVICES, Ports, StackSettings
from alertdrill.timescale import TimescaleError, ephemeral_settings, ephemeral_stack


@pytest.fixture
def own(tmp_path: Path) -> StackSettings:
    mine = StackSettings(
        tmp_path,
        lb_address="0.0.0.0",
        instances={"web": 4},
        faults_enabled=False,
        retention="3d",
        heal={"web": False},
        healing="off",
    )
    return ephemeral_settings(mine, 12)


def listening(ports: Ports) -> list[int]:
    parts = [value for name, value in vars(ports).items() if name != "instances"]
    numbers = range(1, MAX_REPLICAS + 1)
    return parts + [ports.instance(service, number) for service in SERVICES for number in numbers]


def test_own_stack_is_free_to_be_broken(own: StackSettings, tmp_path: Path) -> None:
    assert (own.home, own.speed, own.ephemeral) == (tmp_path / "ephemeral", 12, True)
    assert (own.lb_address, own.faults_enabled) == ("127.0.0.1", True)
    assert (own.heals("web"), own.heals("data-service"), own.healing) == (True, True, "on")
    assert (own.min_replicas("web"), own.min_replicas("data-service"), own.retention) == (
        2,
        2,
        "3d",
    )


def test_ports_are_apart_and_in_range(own: StackSettings) -> None:
    ports = listening(own.ports)
    assert len(ports) == len(set(ports)) == len(fields(Ports)) - 1 + len(SERVICES) * MAX_REPLICAS
    assert all(ephemeral_stack.MIN_PORT <= port < ephemeral_stack.MAX_PORT for port in ports)


def test_taken_blocks_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    free = range(31000, 31000 + 3 * ephemeral_stack.INSTANCE_PORTS)
    monkeypatch.setattr(ephemeral_stack, "_free", lambda port: port in free)
    assert all(port in free for port in listening(ephemeral_stack.free_ports()))


def test_no_free_block_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ephemeral_stack, "_free", lambda _: False)
    with pytest.raises(TimescaleError, match=r"consecutive ports are free from 30000 to 32500"):
        ephemeral_stack.free_ports()


def test_bad_speed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimescaleError):
        ephemeral_settings(StackSettings(tmp_path), 0)


def test_only_a_run_sets_the_speed(own: StackSettings, tmp_path: Path) -> None:
    plain = StackSettings(tmp_path)
    assert (plain.speed, plain.ephemeral) == (1, False)
    assert replace(plain, speed=own.speed).speed == 12

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill import stored
from alertdrill.grafana_token import TokenError
from alertdrill.programs import Located
from alertdrill.runtimes import series
from alertdrill.runtimes.native import (
    configs,
    lifecycle,
    ports,
    processes,
    readiness,
    supervisor,
)
from alertdrill.runtimes.native.configs import ConfigError
from alertdrill.runtimes.native.hands import Hands
from alertdrill.runtimes.native.process import Site
from alertdrill.settings import SERVICES, StackSettings
from tests.unit.alertdrill.runtimes.native.fakes import FakeLb, FakeSupervisor

MISSING = ("loki is not here.",)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def hands(tmp_path: Path, site: Site, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return hands whose stack is made of words: nothing runs, nothing is asked."""
    made: Any = Hands(StackSettings(tmp_path))
    made.supervisor, made.lb = FakeSupervisor(said), FakeLb(said)
    made.locate = lambda notify: Located(site.programs, MISSING)
    made.make_grafana_token = lambda: None

    def start(layout: object) -> None:
        said.append("supervisord")
        made.supervisor.running = True
        made.supervisor.states = {
            process.name: "STOPPED" for process in made.plan(made.locate(None)).processes
        }

    monkeypatch.setattr(supervisor, "start", start)
    monkeypatch.setattr(configs, "check", lambda *_: said.append("check"))
    monkeypatch.setattr(ports, "check", lambda _: said.append("ports"))
    monkeypatch.setattr(readiness, "wait", lambda *_: said.append("wait"))
    monkeypatch.setattr(processes, "of_stack", lambda _: [])
    monkeypatch.setattr(processes, "end", lambda left: said.append(f"end {len(left)}"))
    monkeypatch.setattr(
        processes, "signal_instance", lambda _, number: said.append(signal.Signals(number).name)
    )
    return made


def up(hands: Any) -> Any:
    return lifecycle.up(hands, lambda _: None)


def test_up_checks_before_it_starts(hands: Any, said: list[str]) -> None:
    assert up(hands) == MISSING
    assert said[:3] == ["ports", "check", "supervisord"]
    assert said.index("wait") > said.index("start prometheus-1")


def test_up_leaves_standby_ones_alone(hands: Any, said: list[str]) -> None:
    up(hands)
    assert {"start web-2", "maint web-3", "maint web-4", "maint data-service-3"} <= set(said)
    assert "start web-3" not in said
    assert [word for word in said if word.startswith("maint lb")] == []


def test_up_asks_grafana_for_a_token(hands: Any) -> None:
    asked: list[str] = []
    hands.make_grafana_token = lambda: asked.append("token")
    up(hands)
    up(hands)
    assert asked == ["token", "token"]


def test_up_without_a_token_is_up(hands: Any) -> None:
    def refuse() -> None:
        raise TokenError("Grafana does not answer.")

    hands.make_grafana_token = refuse
    told: list[str] = []
    lifecycle.up(hands, told.append)
    assert told[-1] == "No annotations: Grafana does not answer."


def test_up_without_grafana_asks_for_none(hands: Any) -> None:
    found = hands.locate(None)
    fewer = {name: one for name, one in found.programs.items() if name != "grafana"}
    hands.locate = lambda _: Located(fewer, MISSING)
    hands.make_grafana_token = lambda: pytest.fail("asked")
    up(hands)


def test_second_up_starts_what_stopped(hands: Any, said: list[str]) -> None:
    up(hands)
    hands.supervisor.states["web-1"] = "FATAL"
    said.clear()
    up(hands)
    assert said == ["start web-1", "wait"]


def test_second_up_keeps_the_scale(hands: Any, said: list[str]) -> None:
    up(hands)
    hands.scale.set("web", 3)
    up(hands)
    assert hands.scale.scale("web") == 3
    assert "start web-3" in said


def test_changed_settings_start_anew(hands: Any, said: list[str], tmp_path: Path) -> None:
    up(hands)
    hands.scale.set("web", 3)
    hands.settings = StackSettings(tmp_path, retention="1d")
    said.clear()
    up(hands)
    assert said.index("shutdown") < said.index("supervisord")
    assert "--storage.tsdb.retention.time=1d" in hands.layout.supervisor_config.read_text()
    assert hands.scale.scale("web") == 2


@pytest.mark.parametrize("error", [ConfigError("broken"), KeyboardInterrupt()])
def test_failed_start_leaves_nothing(
    hands: Any, said: list[str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(readiness, "wait", fail)
    with pytest.raises(type(error)):
        up(hands)
    assert said[-1] == "shutdown"
    assert not hands.supervisor.alive()


def test_broken_configuration_starts_nothing(
    hands: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConfigError("broken")

    monkeypatch.setattr(configs, "check", fail)
    with pytest.raises(ConfigError):
        up(hands)
    assert said == ["ports"]


@pytest.fixture
def rehearsal(hands: Any, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return hands of a rehearsal's stack, at speed 12."""
    hands.settings = StackSettings(tmp_path, speed=12.0, rehearsal=True)
    monkeypatch.setattr(series, "prepare", lambda *_: said.append("marks"))
    return hands


def test_rehearsal_begins_with_nothing(rehearsal: Any, said: list[str]) -> None:
    old = rehearsal.layout.data / "prometheus" / "wal" / "00000000"
    old.parent.mkdir(parents=True)
    old.touch()
    up(rehearsal)
    assert not old.exists()
    assert said[:4] == ["ports", "check", "marks", "supervisord"]


def test_rehearsal_has_its_speed(rehearsal: Any) -> None:
    up(rehearsal)
    rendered = (rehearsal.layout.etc / "prometheus" / "prometheus.yml").read_text()
    assert "scrape_interval: 417ms" in rendered


def test_real_stack_keeps_its_data(hands: Any, said: list[str]) -> None:
    old = hands.layout.data / "prometheus" / "wal"
    old.mkdir(parents=True)
    up(hands)
    assert old.exists()
    assert "marks" not in said


def test_down_empties_the_scratch_folder(hands: Any) -> None:
    up(hands)
    hands.layout.scratch.mkdir()
    (hands.layout.scratch / "grown").touch()
    lifecycle.down(hands, lambda _: None)
    assert not hands.layout.scratch.exists()


def test_traffic_ends_before_services(hands: Any, said: list[str]) -> None:
    up(hands)
    said.clear()
    lifecycle.down(hands, lambda _: None)
    ends = said.index("stop lb-1")
    assert said[ends : ends + 2] == ["stop lb-1", "stop the rest"]
    assert said[-1] == "shutdown"
    # Of two instances each, which may be paused and drain in a hurry.
    assert said[ends + 2 : -1] == ["SIGCONT", "SIGQUIT"] * 2 * len(SERVICES)


def test_healing_ends_before_anything(hands: Any, said: list[str]) -> None:
    up(hands)
    said.clear()
    lifecycle.down(hands, lambda _: None)
    ends = said.index("stop responder-1 control-1")
    assert said[:ends] == ["stop the rest", *["SIGCONT", "SIGQUIT"] * 2]
    assert said[ends + 1] == "stop lb-1"


def test_stack_of_an_earlier_version_ends(hands: Any, said: list[str]) -> None:
    up(hands)
    del hands.supervisor.states["control-1"]
    said.clear()
    lifecycle.down(hands, lambda _: None)
    assert "stop responder-1" in said


def test_down_waits_for_a_drain(hands: Any, said: list[str]) -> None:
    up(hands)
    held = Hands(hands.settings).locked()
    held.__enter__()
    other = threading.Timer(0.3, held.__exit__, (None, None, None))
    other.start()
    lifecycle.down(hands, lambda _: None)
    other.join()
    assert said[-1] == "shutdown"


def test_up_tells_the_control_api(hands: Any) -> None:
    up(hands)
    assert stored.read(json.loads(hands.layout.stack.read_text())).home == hands.settings.home
    for file in (hands.layout.control_token, hands.layout.responder_token):
        assert file.stat().st_mode & 0o777 == 0o600
    assert hands.layout.control_token.read_text() != hands.layout.responder_token.read_text()


def test_other_heal_label_starts_anew(hands: Any, said: list[str], tmp_path: Path) -> None:
    up(hands)
    said.clear()
    hands.settings = StackSettings(tmp_path, heal={"web": False})
    up(hands)
    assert "shutdown" in said


def test_down_ends_what_is_left(
    hands: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.layout.make()
    sockets = [hands.layout.supervisor_socket, hands.layout.lb_socket]
    for socket in sockets:
        socket.touch()
    monkeypatch.setattr(processes, "of_stack", lambda home: [1, 2] if home == hands.mark else [])
    told: list[str] = []
    lifecycle.down(hands, told.append)
    assert said == ["end 2"]
    assert told == ["ending 2 processes that were left over"]
    assert not any(socket.exists() for socket in sockets)


def test_down_without_a_stack_makes_nothing(tmp_path: Path) -> None:
    hands = Hands(StackSettings(tmp_path / "never"))
    lifecycle.down(hands, lambda _: None)
    assert not (tmp_path / "never").exists()


def test_check_leaves_the_stack_alone(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def check(layout: Any, *_: object) -> None:
        assert (layout.targets / "services.json").exists()
        seen.append(layout.home)

    monkeypatch.setattr(configs, "check", check)
    before = sorted(tmp_path.rglob("*"))
    lifecycle.check(hands, lambda _: None)
    assert sorted(tmp_path.rglob("*")) == before
    assert [home.exists() for home in seen] == [False]


def test_wanted_ports_name_their_variables(
    hands: Any, site_with: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[tuple[str, int], str] = {}
    monkeypatch.setattr(ports, "check", asked.update)
    hands.settings = StackSettings(tmp_path, lb_address="192.0.2.7")
    up(hands)
    assert asked["192.0.2.7", 8080] == "LB_PORT"
    assert asked["127.0.0.1", 8081] == "LB_INTERNAL_PORT"
    assert asked["127.0.0.1", 13133] == "COLLECTOR_HEALTH_PORT"
    assert asked["127.0.0.1", 15204] == "INSTANCES_PORT"
    assert {address for address, _ in asked} == {"192.0.2.7", "127.0.0.1"}

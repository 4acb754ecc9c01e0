import re
import threading
from pathlib import Path

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.programs import Located
from alertdrill.runtimes.native.hands import Hands, NotRunningError
from alertdrill.runtimes.native.process import Site
from alertdrill.settings import Ports, StackSettings
from tests.unit.alertdrill.grafana import FakeGrafana


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(StackSettings(tmp_path))


def test_secrets_are_random_and_private(hands: Hands, tmp_path: Path) -> None:
    token, password = hands.token(), hands.grafana_password()
    other = Hands(StackSettings(tmp_path / "other"))
    assert len({token, password, other.token(), other.grafana_password()}) == 4
    for file in (hands.layout.token, hands.layout.grafana_password):
        assert file.stat().st_mode & 0o777 == 0o600


def test_secrets_stay_the_same(hands: Hands) -> None:
    assert hands.token() == hands.token()
    assert Hands(hands.settings).token() == hands.token()


def test_secret_cut_off_is_made_anew(hands: Hands) -> None:
    hands.layout.make()
    hands.layout.token.touch(mode=0o600)  # as a crash may leave it
    assert re.fullmatch(r"[\w-]{43}", hands.token())


def test_token_of_grafana_is_kept(tmp_path: Path) -> None:
    grafana = FakeGrafana()
    port = int(grafana.url.rpartition(":")[2])
    hands = Hands(StackSettings(tmp_path, ports=Ports(grafana=port)))
    assert hands.grafana_token() == ""
    grafana.password = hands.grafana_password()
    for _ in range(2):
        hands.make_grafana_token()
    grafana.close()
    assert [key for _, key in grafana.tokens.values()] == [hands.grafana_token()]
    assert hands.layout.grafana_token.stat().st_mode & 0o777 == 0o600


def test_only_one_command_changes_a_stack(hands: Hands) -> None:
    with hands.locked():
        second = Hands(hands.settings).locked()
        with pytest.raises(
            AlertdrillError, match="Another alertdrill command, or the responder, is"
        ):
            second.__enter__()
    with hands.locked():
        pass


def test_patient_one_gets_its_turn(hands: Hands) -> None:
    held = Hands(hands.settings).locked()
    held.__enter__()
    other = threading.Timer(0.3, held.__exit__, (None, None, None))
    other.start()
    with hands.locked(patience=10):
        pass
    other.join()


def test_stack_that_is_down_says_so(hands: Hands) -> None:
    with pytest.raises(NotRunningError, match="start it with `make up`"):
        hands.require_running()


def test_plan_is_of_what_was_found(hands: Hands, site: Site) -> None:
    plan = hands.plan(Located(site.programs, ()))
    assert {"grafana", "loki", "collector"} <= {process.service for process in plan.processes}
    assert plan.of("web")[0].environment["FAULTS_TOKEN"] == hands.token()


def test_cache_is_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def locate(_: object, cache: Path, __: object) -> Located:
        asked.append(cache)
        return Located({}, ())

    monkeypatch.setattr("alertdrill.runtimes.native.hands.locate", locate)
    monkeypatch.setenv("ALERTDRILL_CACHE", "/from/environment")
    Hands(StackSettings(tmp_path, cache=tmp_path / "mine")).locate(lambda _: None)
    Hands(StackSettings(tmp_path)).locate(lambda _: None)
    assert asked == [tmp_path / "mine", Path("/from/environment")]

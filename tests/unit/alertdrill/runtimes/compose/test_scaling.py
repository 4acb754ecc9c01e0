from typing import Any

import pytest

from alertdrill.runtimes.compose import lifecycle, scaling
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


class FakeHands:
    """An engine with four places for web, and a Compose that notes its commands."""

    def __init__(self) -> None:
        self.engine = FakeEngine(
            container("web-1"),
            container("web-2"),
            container("web-3", "created"),
            container("web-4", "created"),
        )
        self.scale: Any = self
        self.commands: list[tuple[str, ...]] = []
        self.compose: Any = self

    def scales(self) -> dict[str, int]:
        return {"web": 2, "data-service": 3}

    def run(self, *arguments: str) -> str:
        self.commands.append(arguments)
        return ""


@pytest.fixture
def hands() -> Any:
    return FakeHands()


def test_standby_instances_are_started(hands: Any) -> None:
    assert scaling.begin(hands, "web", 4) == ["web-3", "web-4"]
    assert hands.engine.asked == [("start", "alertdrill-web-3"), ("start", "alertdrill-web-4")]
    assert hands.commands == []


def test_missing_places_are_made_first(hands: Any) -> None:
    del hands.engine.found["alertdrill-web-4"]
    scaling.begin(hands, "web", 4)
    assert hands.commands[0][:2] == ("create", "--no-recreate")


def test_leaving_one_is_not_expected_any_more(hands: Any) -> None:
    said: list[str] = []
    scaling.end(hands, "web", 1, said.append)
    # The other service stays as it is.
    variables = ("--env", "WEB_INSTANCES=1", "--env", "DATA_SERVICE_INSTANCES=3")
    assert hands.commands == [("run", "--rm", "--no-deps", *variables, "prepare")]
    assert hands.engine.asked == [("stop", "alertdrill-web-2")]
    assert said == ["web-2 stands by"]


def test_new_ones_are_told(hands: Any) -> None:
    said: list[str] = []
    scaling.begin(hands, "web", 3)
    scaling.end(hands, "web", 3, said.append)
    assert said == ["web-3 serves"]


def test_unwell_container_is_quoted(hands: Any) -> None:
    hands.engine.found = {
        one.name: one
        for one in (
            container("prepare-1", "exited"),
            container("web-1", health="starting"),
            container("web-2", "restarting"),
        )
    }
    hands.docker = lambda *_: "first\nlast\n"
    assert lifecycle._last_words(hands) == " web-2 last said: last"

from pathlib import Path
from typing import Any

import pytest

from alertdrill.runtimes.compose import numbering
from alertdrill.runtimes.native.state import ScaleState
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.runtimes.compose.conftest import container
from tests.unit.alertdrill.runtimes.compose.test_containers import FakeEngine


class FakeHands:
    """An engine with some containers, and a docker that notes what it removes."""

    def __init__(self, folder: Path, *instances: tuple[str, str]) -> None:
        self.engine = FakeEngine(*(container(name, state) for name, state in instances))
        self.scale = ScaleState(folder / "state.json", StackSettings(folder))
        self.removed: list[str] = []
        self.compose: Any = self

    def docker(self, *arguments: str) -> str:
        assert arguments[:2] == ("rm", "--force")
        self.removed += arguments[2:]
        return ""


def make_way(hands: FakeHands) -> list[str]:
    said: list[str] = []
    numbering.make_way(hands, said.append)  # type: ignore[arg-type]
    return said


@pytest.mark.parametrize(
    ("found", "gone"),
    [
        ([], []),
        ([1], []),
        ([1, 2], []),
        ([1, 2, 3, 4], [3, 4]),  # standby instances: they are made anew
        ([2], [2]),  # Compose would make web-3 beside it
        ([1, 3], [3]),
        ([3, 4], [3, 4]),
    ],
)
def test_what_is_kept_counts_from_one(found: list[int], gone: list[int]) -> None:
    assert numbering.misplaced(found, scale=2) == gone


def test_well_numbered_instances_are_left_alone(tmp_path: Path) -> None:
    hands = FakeHands(tmp_path, ("web-1", "running"), ("web-2", "running"), ("lb-1", "running"))
    assert make_way(hands) == []
    assert (hands.engine.asked, hands.removed) == ([], [])


def test_standby_instances_go_silently(tmp_path: Path) -> None:
    hands = FakeHands(tmp_path, ("web-1", "running"), ("web-2", "running"), ("web-3", "exited"))
    assert make_way(hands) == []
    assert (hands.engine.asked, hands.removed) == ([], ["alertdrill-web-3"])


def test_serving_ones_drain_and_are_told_of(tmp_path: Path) -> None:
    hands = FakeHands(tmp_path, ("data-service-2", "running"), ("data-service-3", "exited"))
    [said] = make_way(hands)
    assert said.startswith("data-service-2: replaced")
    assert hands.engine.asked == [("stop", "alertdrill-data-service-2")]
    assert hands.removed == ["alertdrill-data-service-2", "alertdrill-data-service-3"]


def test_scale_that_was_asked_for_counts(tmp_path: Path) -> None:
    hands = FakeHands(tmp_path, *((f"web-{number}", "running") for number in (1, 2, 3)))
    hands.scale.set("web", 3)
    make_way(hands)
    assert hands.removed == []

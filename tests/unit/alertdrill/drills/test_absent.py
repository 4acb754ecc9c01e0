from typing import Any

import pytest

from alertdrill.drills.absent import log_store, reason, services
from alertdrill.drills.drill import FaultSpec
from tests.unit.alertdrill.drills.fakes import a_drill, instance

ALL = {"web", "loki", "collector"}


def test_what_is_stopped_is_there(runtime: Any) -> None:
    runtime.running = [instance("loki-1", state="stopped", pid=None), instance("web-1")]
    assert services(runtime) == {"loki", "web"}


@pytest.mark.parametrize("there", [{"loki"}, {"collector"}, set()])
def test_one_without_the_other_is_none(runtime: Any, there: set[str]) -> None:
    runtime.urls["loki"] = "http://x"
    assert log_store(runtime, there) is None
    assert log_store(runtime, ALL) == "http://x"


@pytest.mark.parametrize(
    "about",
    [
        {"alert": "LogsMissing"},
        {"fault": FaultSpec("stop", "loki")},
        {"fault": FaultSpec("stop", "collector-1")},
        {"fault": FaultSpec("bad_config", parameters={"component": "loki"})},
    ],
)
def test_drill_of_logs_needs_their_store(about: Any) -> None:
    drill = a_drill(**about)
    assert reason(drill, ALL) == ""
    assert reason(drill, {"web", "loki"}).startswith("This stack has no collector, which ")
    assert reason(drill, {"web"}).startswith("This stack has no collector and no loki, which ")


def test_other_drills_need_no_logs() -> None:
    assert reason(a_drill(fault=FaultSpec("pause", "data-service-1")), {"web"}) == ""

from typing import Any

import pytest

from alertdrill.drills.model import FaultSpec
from alertdrill.drills.requirements import deployed_services, log_store_url, missing_requirement
from tests.unit.alertdrill.drills.fakes import instance, make_drill

ALL = {"web", "loki", "collector"}


def test_stopped_components_are_deployed(runtime: Any) -> None:
    runtime.running = [instance("loki-1", state="stopped", pid=None), instance("web-1")]
    assert deployed_services(runtime) == {"loki", "web"}


@pytest.mark.parametrize("services", [{"loki"}, {"collector"}, set()])
def test_log_store_needs_both_components(runtime: Any, services: set[str]) -> None:
    runtime.urls["loki"] = "http://x"
    assert log_store_url(runtime, services) is None
    assert log_store_url(runtime, ALL) == "http://x"


@pytest.mark.parametrize(
    "fields",
    [
        {"alert": "LogsMissing"},
        {"fault": FaultSpec("stop", "loki")},
        {"fault": FaultSpec("stop", "collector-1")},
        {"fault": FaultSpec("bad_config", parameters={"component": "loki"})},
    ],
)
def test_log_drills_need_both_components(fields: Any) -> None:
    drill = make_drill(**fields)
    assert missing_requirement(drill, ALL) == ""
    assert missing_requirement(drill, {"web", "loki"}).startswith(
        "This stack has no collector, which "
    )
    assert missing_requirement(drill, {"web"}).startswith(
        "This stack has no collector and no loki, which "
    )


def test_other_drills_need_no_logs() -> None:
    assert (
        missing_requirement(make_drill(fault=FaultSpec("pause", "data-service-1")), {"web"}) == ""
    )

from typing import Any

import pytest

from alertdrill.drills.context import needs_logs
from alertdrill.drills.model import FaultSpec
from tests.unit.alertdrill.drills.fakes import make_context, make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance


def test_stopped_components_are_deployed(runtime: FakeRuntime) -> None:
    runtime.running = [instance("loki-1", state="stopped", pid=None), instance("web-1")]
    assert make_context(runtime, runtime.folder).deployed_services() == {"loki", "web"}


@pytest.mark.parametrize(
    ("names", "deployed"),
    [([], False), (["loki-1"], False), (["collector-1"], False), (["loki-1", "collector-1"], True)],
)
def test_log_store_needs_both_components(
    runtime: FakeRuntime, names: list[str], deployed: bool
) -> None:
    runtime.running = [instance(name) for name in names]
    context = make_context(runtime, runtime.folder)
    assert [evaluator.name for evaluator in context.evaluators] == [
        "Prometheus",
        *(["Loki"] if deployed else []),
    ]
    # The rule of this alert is in Loki, if there is one.
    assert context.evaluator("LogsMissing").name == ("Loki" if deployed else "Prometheus")
    assert context.evaluator("InstanceDown").name == "Prometheus"


@pytest.mark.parametrize(
    "fields",
    [
        {"alert": "LogsMissing"},
        {"fault": FaultSpec(kind="stop", target="loki")},
        {"fault": FaultSpec(kind="stop", target="collector-1")},
        {"fault": FaultSpec(kind="bad_config", parameters={"component": "loki"})},
    ],
)
def test_drill_of_the_log_pipeline_needs_logs(fields: Any) -> None:
    assert needs_logs(make_drill(**fields))


def test_other_drills_need_no_logs() -> None:
    assert not needs_logs(make_drill(fault=FaultSpec(kind="pause", target="data-service-1")))

from collections.abc import Callable

import pytest

from alertdrill.config import ROOT
from alertdrill.config.services import MAX_REPLICAS, SERVICES
from alertdrill.runtimes.native.process_spec import Process, RenderContext
from alertdrill.runtimes.native.stack_plan import Plan, make_plan
from alerting.responder.settings import ResponderSettings


def ours(plan: Plan) -> list[Process]:
    return [process for process in plan.processes if process.job == "services"]


def test_instances_exist_up_to_the_maximum(plan: Plan) -> None:
    assert len(plan.processes_of("web")) == len(plan.processes_of("data-service")) == MAX_REPLICAS
    assert {process.service for process in plan.processes if process.scales} == set(SERVICES)


def test_command_names_code_that_exists(plan: Plan) -> None:
    for process in ours(plan):
        *_, flag, configuration, app = process.command
        assert (flag, (ROOT / configuration).is_file()) == ("-c", True)
        folder = ROOT / app.partition(":")[0].replace(".", "/")
        assert (folder / "__init__.py").is_file()


def test_instance_has_its_identity(plan: Plan) -> None:
    for process in ours(plan):
        environment = process.environment
        assert (environment["SERVICE"], environment["INSTANCE"]) == (process.service, process.name)
        assert (environment["HOST"], environment["PORT"]) == ("127.0.0.1", str(process.port))
        assert process.ready == f"http://{process.address}/readyz"


def test_web_calls_through_the_load_balancer(plan: Plan) -> None:
    assert plan.processes_of("web")[0].environment["DATA_SERVICE_URL"] == "http://127.0.0.1:8081"


def test_faults_follow_the_settings(render_context_with: Callable[..., RenderContext]) -> None:
    for enabled, word in ((True, "1"), (False, "0")):
        plan = make_plan(render_context_with(faults_enabled=enabled))
        words = {process.name: process.environment["FAULTS_ENABLED"] for process in ours(plan)}
        assert words.pop("responder-1") == "0"
        assert set(words.values()) == {word}


@pytest.mark.parametrize(("speed", "timeout"), [(1.0, "180"), (12.0, "15"), (1000.0, "1")])
def test_watchdog_timeout_is_divided_by_the_speed(
    render_context_with: Callable[..., RenderContext], speed: float, timeout: str
) -> None:
    [responder] = make_plan(render_context_with(speed=speed)).processes_of("responder")
    assert responder.environment["WATCHDOG_TIMEOUT"] == timeout


def test_timeout_at_speed_one_is_the_responders(plan: Plan) -> None:
    [responder] = plan.processes_of("responder")
    timeout = float(responder.environment["WATCHDOG_TIMEOUT"])
    assert timeout == ResponderSettings.watchdog_timeout


def test_only_instances_behind_the_lb_trust_proxies(plan: Plan) -> None:
    trusting = {
        process.service for process in ours(plan) if process.environment["TRUSTED_PROXIES"] == "1"
    }
    assert trusting == set(SERVICES)


def test_every_own_process_drains(plan: Plan) -> None:
    assert {process.service for process in ours(plan)} == {*SERVICES, "responder"}

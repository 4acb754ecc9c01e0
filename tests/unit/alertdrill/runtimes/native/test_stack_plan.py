from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from alertdrill.config.services import MAX_REPLICAS, SERVICES
from alertdrill.runtimes.native.process_spec import RenderContext
from alertdrill.runtimes.native.stack_plan import Plan, make_plan


def ports(plan: Plan) -> list[int]:
    return [port for process in plan.processes for port in (process.port, *process.more_ports)]


def test_every_port_is_used_once(plan: Plan, render_context: RenderContext) -> None:
    elsewhere = ("instances", "locust")  # the first of many ports, and a service of containers only
    expected = {
        port for name, port in asdict(render_context.ports).items() if name not in elsewhere
    }
    places = {
        render_context.ports.instance(service, number)
        for service in SERVICES
        for number in range(1, MAX_REPLICAS + 1)
    }
    assert Counter(ports(plan)) == Counter(expected | places)


def test_instances_listen_on_documented_ports(plan: Plan) -> None:
    assert [process.port for process in plan.processes_of("web")] == [15101, 15102, 15103, 15104]
    assert [process.port for process in plan.processes_of("data-service")] == [
        15201,
        15202,
        15203,
        15204,
    ]


def test_process_names_are_unique(plan: Plan) -> None:
    names = [process.name for process in plan.processes]
    assert len(set(names)) == len(names)
    assert names == [f"{process.service}-{process.number}" for process in plan.processes]


def test_process_is_found_by_name(plan: Plan) -> None:
    result = plan.process("prometheus-1")
    assert result is not None
    assert plan.processes_of("prometheus") == [result]
    assert plan.process("unknown-1") is None
    assert plan.processes_of("unknown") == []


@pytest.mark.parametrize(
    ("optional", "shown"),
    [([], set()), (["loki"], {"Loki"}), (["grafana", "otelcol"], {"Grafana"})],
)
def test_addresses_are_of_installed_programs(
    render_context_with: Callable[..., RenderContext], optional: list[str], shown: set[str]
) -> None:
    result = make_plan(render_context_with(*optional)).addresses
    assert {"Grafana", "Loki"} & set(result) == shown


def test_public_address_is_the_load_balancers(
    render_context_with: Callable[..., RenderContext],
) -> None:
    result = make_plan(render_context_with(lb_address="192.0.2.7")).addresses
    assert result["Services"] == "http://192.0.2.7:8080/"
    assert [title for title, address in result.items() if "192.0.2.7" in address] == ["Services"]


def test_start_page_links_to_all(plan: Plan) -> None:
    links = plan.processes_of("web")[0].environment["LINKS"]
    assert links.split(",") == [f"{title}={address}" for title, address in plan.addresses.items()]


def test_wildcard_address_becomes_loopback(render_context: RenderContext) -> None:
    everywhere = replace(
        render_context, settings=replace(render_context.settings, lb_address="0.0.0.0")
    )
    assert make_plan(everywhere).addresses["Services"] == "http://127.0.0.1:8080/"
    bound = replace(
        render_context, settings=replace(render_context.settings, lb_address="192.0.2.7")
    )
    assert make_plan(bound).addresses["Services"] == "http://192.0.2.7:8080/"

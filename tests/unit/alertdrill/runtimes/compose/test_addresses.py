from dataclasses import replace
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.in_network import InNetworkRuntime
from alertdrill.runtimes.compose.runtime import ComposeRuntime
from alertdrill.runtimes.errors import UnknownTargetError
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


def host(settings: StackSettings, *containers: str) -> ComposeRuntime:
    runtime = ComposeRuntime(settings)
    vars(runtime._project)["engine"] = FakeEngine(*containers)  # where the property keeps it
    return runtime


@pytest.fixture
def inner(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> InNetworkRuntime:
    runtime = InNetworkRuntime(settings)
    engine: Any = FakeEngine("web-1", "prometheus-1", "control-1", "strange-1")
    runtime._engine = engine
    monkeypatch.setattr("alertdrill.clients.http.is_ready", lambda *_: True)
    return runtime


def test_host_reaches_published_ports(settings: StackSettings) -> None:
    runtime = host(settings)
    assert runtime.address("prometheus") == "http://127.0.0.1:9090"
    assert runtime.address("lb") == "http://127.0.0.1:8080"
    assert runtime.address("lb-stats") == "http://127.0.0.1:8404"
    with pytest.raises(UnknownTargetError, match="'web' has no published port"):
        runtime.address("web")


def test_instance_has_its_address(settings: StackSettings) -> None:
    listed = host(settings, "web-2", "loki-1", "strange-1").status()
    assert {item.name: item.address for item in listed} == {
        "web-2": "alertdrill-web-2:5000",
        "loki-1": "127.0.0.1:3100",
        "strange-1": "alertdrill-strange-1",
    }


def test_instance_of_ours_has_an_address_of_its_operations(settings: StackSettings) -> None:
    listed = host(settings, "web-2", "responder-1", "control-2", "loki-1").status()
    assert {item.name: item.ops_address for item in listed} == {
        "web-2": "alertdrill-web-2:5050",
        "responder-1": "responder-on-telemetry:8140",
        # The alias belongs to both replicas.
        "control-2": "alertdrill-control-2:8141",
        "loki-1": "",
    }


def test_probe_goes_to_the_operations(
    inner: InNetworkRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed: list[str] = []
    monkeypatch.setattr("alertdrill.clients.http.is_ready", lambda url, _: probed.append(url))
    inner.status()
    assert {
        "http://alertdrill-web-1:5050/readyz",
        "http://prometheus-on-telemetry:9090/-/ready",
    } <= {*probed}


def test_user_urls_are_of_running_services(settings: StackSettings) -> None:
    shown = host(settings, "prometheus-1", "loki-1", "grafana-1 exited").addresses()
    assert list(shown) == ["Services", "Load balancer", "Prometheus", "Loki"]
    assert shown["Loki"] == "http://127.0.0.1:3100/ready"


@pytest.mark.parametrize(
    ("address", "shown"), [("0.0.0.0", "127.0.0.1"), ("192.0.2.1", "192.0.2.1")]
)
def test_wildcard_address_becomes_loopback(
    settings: StackSettings, address: str, shown: str
) -> None:
    runtime = host(replace(settings, lb_address=address))
    assert runtime.addresses()["Services"] == f"http://{shown}:8080/"


def test_containers_reach_each_other_by_name(inner: InNetworkRuntime) -> None:
    assert inner.address("prometheus") == "http://prometheus-on-telemetry:9090"
    assert inner.addresses() == {"Services": "http://lb-on-services:8080/"}
    assert inner.address("lb-stats") == "http://lb-on-services:8404"
    assert inner.address("node-exporter") == "http://alertdrill-node-exporter-1:9100"
    with pytest.raises(UnknownTargetError, match="no component named 'nothing'"):
        inner.address("nothing")
    assert {item.name: item.address for item in inner.status()} == {
        "web-1": "alertdrill-web-1:5000",
        "prometheus-1": "prometheus-on-telemetry:9090",
        # The alias belongs to both replicas.
        "control-1": "alertdrill-control-1:8091",
        "strange-1": "alertdrill-strange-1",
    }


def test_user_links_are_resolved_to_names(inner: InNetworkRuntime) -> None:
    link = "http://127.0.0.1:8090/runbooks/InstanceDown"
    assert inner.resolve_url(link) == "http://responder-on-telemetry:8090/runbooks/InstanceDown"
    assert inner.resolve_url("https://elsewhere.example/x") == "https://elsewhere.example/x"

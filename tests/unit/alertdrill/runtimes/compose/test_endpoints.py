from dataclasses import replace

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.compose.endpoints import HostEndpoints, NetworkEndpoints
from alertdrill.runtimes.errors import UnknownTargetError
from tests.unit.alertdrill.runtimes.compose.conftest import container


def test_host_reaches_published_ports(settings: StackSettings) -> None:
    places = HostEndpoints(settings)
    assert places.address("prometheus") == "http://127.0.0.1:9090"
    assert places.address("lb") == "http://127.0.0.1:8080"
    assert places.address("lb-stats") == "http://127.0.0.1:8404"


def test_host_cannot_reach_unpublished_components(settings: StackSettings) -> None:
    with pytest.raises(UnknownTargetError, match="has no published port"):
        HostEndpoints(settings).address("web")


def test_instance_has_its_address(settings: StackSettings) -> None:
    places = HostEndpoints(settings)
    assert places.instance_address(container("web-2")) == "alertdrill-web-2:5000"
    assert places.instance_address(container("loki-1")) == "127.0.0.1:3100"


def test_user_urls_are_of_running_services(settings: StackSettings) -> None:
    shown = HostEndpoints(settings).user_urls(["prometheus", "loki"])
    assert list(shown) == ["Services", "Load balancer", "Prometheus", "Loki"]


def test_wildcard_address_becomes_loopback(settings: StackSettings) -> None:
    everywhere = replace(settings, lb_address="0.0.0.0")
    assert HostEndpoints(everywhere).user_urls([])["Services"] == "http://127.0.0.1:8080/"
    chosen = replace(settings, lb_address="192.0.2.1")
    assert HostEndpoints(chosen).user_urls([])["Services"] == "http://192.0.2.1:8080/"


def test_network_endpoints_are_names(settings: StackSettings) -> None:
    places = NetworkEndpoints(settings)
    assert places.address("prometheus") == "http://prometheus-on-telemetry:9090"
    assert places.address("lb") == "http://lb-on-services:8080"
    assert places.instance_address(container("web-1")) == "alertdrill-web-1:5000"
    with pytest.raises(UnknownTargetError, match="no component named 'nothing'"):
        places.address("nothing")


def test_user_links_are_resolved_to_names(settings: StackSettings) -> None:
    places = NetworkEndpoints(settings)
    link = "http://127.0.0.1:8090/runbooks/InstanceDown"
    assert places.resolve_url(link) == "http://responder-on-telemetry:8090/runbooks/InstanceDown"
    assert places.resolve_url("https://elsewhere.example/x") == "https://elsewhere.example/x"

from dataclasses import replace

import pytest

from alertdrill.runtimes.compose.errors import UnknownTargetError
from alertdrill.runtimes.compose.places import Inside, Outside
from alertdrill.settings import StackSettings
from tests.unit.alertdrill.runtimes.compose.conftest import container


def test_host_reaches_what_is_published(settings: StackSettings) -> None:
    places = Outside(settings)
    assert places.address("prometheus") == "http://127.0.0.1:9090"
    assert places.address("lb") == "http://127.0.0.1:8080"
    assert places.address("lb-stats") == "http://127.0.0.1:8404"


def test_host_cannot_reach_the_rest(settings: StackSettings) -> None:
    with pytest.raises(UnknownTargetError, match="can't be reached from the host"):
        Outside(settings).address("web")


def test_instances_are_shown_where_they_are(settings: StackSettings) -> None:
    places = Outside(settings)
    assert places.of(container("web-2")) == "alertdrill-web-2:5000"
    assert places.of(container("loki-1")) == "127.0.0.1:3100"


def test_people_see_what_runs(settings: StackSettings) -> None:
    shown = Outside(settings).people(["prometheus", "loki"])
    assert list(shown) == ["Services", "Load balancer", "Prometheus", "Loki"]


def test_public_address_is_one_to_click(settings: StackSettings) -> None:
    everywhere = replace(settings, lb_address="0.0.0.0")
    assert Outside(everywhere).people([])["Services"] == "http://127.0.0.1:8080/"
    chosen = replace(settings, lb_address="192.0.2.1")
    assert Outside(chosen).people([])["Services"] == "http://192.0.2.1:8080/"


def test_inside_everything_has_a_name(settings: StackSettings) -> None:
    places = Inside(settings)
    assert places.address("prometheus") == "http://prometheus-on-telemetry:9090"
    assert places.address("lb") == "http://lb-on-services:8080"
    assert places.of(container("web-1")) == "alertdrill-web-1:5000"
    with pytest.raises(UnknownTargetError, match="no part 'nothing'"):
        places.address("nothing")


def test_links_for_people_work_inside(settings: StackSettings) -> None:
    places = Inside(settings)
    link = "http://127.0.0.1:8090/runbooks/InstanceDown"
    assert places.reach(link) == "http://responder-on-telemetry:8090/runbooks/InstanceDown"
    assert places.reach("https://elsewhere.example/x") == "https://elsewhere.example/x"
    assert Outside(settings).reach(link) == link

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.control.serializers import healing_enabled, serialize_stack
from tests.unit.alertdrill.control.conftest import FakeRuntime, instance


def test_components_are_left_out(runtime: FakeRuntime, stack: StackSettings) -> None:
    shown = serialize_stack(runtime.listed, stack)["instances"]
    assert isinstance(shown, list)
    assert {instance["service"] for instance in shown} == {"web", "data-service"}
    assert shown[1] == {
        "name": "web-2",
        "service": "web",
        "state": "unready",
        "healing_enabled": True,
    }


def test_service_has_its_replica_limits(runtime: FakeRuntime, stack: StackSettings) -> None:
    services = serialize_stack(runtime.listed, stack)["services"]
    assert isinstance(services, dict)
    assert set(services) == set(SERVICES)
    assert services["web"] == {
        "min_replicas": 2,
        "max_replicas": 4,
        "scale": 2,
        "healing_enabled": True,
    }
    assert services["data-service"] == {
        "min_replicas": 2,
        "max_replicas": 4,
        "scale": 1,
        "healing_enabled": False,
    }


def test_service_heals_only_if_every_instance_is_labelled() -> None:
    assert healing_enabled("web", [instance("web-1"), instance("lb-1", healing_enabled=False)])
    assert not healing_enabled("web", [instance("web-1"), instance("web-2", healing_enabled=False)])
    assert not healing_enabled("web", [])

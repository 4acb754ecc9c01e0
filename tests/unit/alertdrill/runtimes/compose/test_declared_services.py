from collections.abc import Mapping
from typing import Any

import pytest

from alertdrill.config.services import Service, ServicesError
from alertdrill.runtimes.compose import lifecycle

ORDERS = Service(name="orders", port=5003)
OWN = {"SERVICE": "orders", "PORT": "5003"}
LABELS = {"alertdrill.heal": "1"}


@pytest.fixture(autouse=True)
def declared_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "SERVICES", {"orders": ORDERS})


def model(
    declaration: Mapping[str, Any] | None,
    counting: tuple[str, ...] = lifecycle.NEEDS_REPLICA_COUNTS,
) -> Mapping[str, Any]:
    declarations = {
        name: {"environment": {"ORDERS_INSTANCES": "2"} if name in counting else {}}
        for name in lifecycle.NEEDS_REPLICA_COUNTS
    }
    return {
        "services": {**declarations, **({"orders": declaration} if declaration is not None else {})}
    }


def test_complete_service_passes() -> None:
    lifecycle.check_services(model({"environment": OWN, "labels": LABELS}))


@pytest.mark.parametrize(
    ("project", "message"),
    [
        (model(None), "has no service orders, which apps/services.yml has"),
        (
            model({"environment": {**OWN, "PORT": "5001"}, "labels": LABELS}),
            "does not give orders SERVICE=orders and PORT=5003",
        ),
        (model({"labels": LABELS}), "does not give orders SERVICE=orders"),
        (model({"environment": OWN}), "has no label alertdrill.heal for orders"),
        (
            model({"environment": OWN, "labels": LABELS}, ("init-config",)),
            "does not give ORDERS_INSTANCES to control",
        ),
    ],
)
def test_missing_declaration_is_named(project: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ServicesError, match=rf"^docker-compose.yml {message}.*add-a-service.md"):
        lifecycle.check_services(project)

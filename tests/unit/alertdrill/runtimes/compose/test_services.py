from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.services import Service, ServicesError
from alertdrill.runtimes.compose import services

ORDERS = Service(name="orders", port=5003)
OWN = {"SERVICE": "orders", "PORT": "5003"}
LABELS = {"alertdrill.heal": "1"}


@pytest.fixture(autouse=True)
def declared_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SERVICES", {"orders": ORDERS})


def model(
    declaration: Mapping[str, Any] | None,
    counting: tuple[str, ...] = services.NEEDS_REPLICA_COUNTS,
) -> Mapping[str, Any]:
    declarations = {
        name: {"environment": {"ORDERS_INSTANCES": "2"} if name in counting else {}}
        for name in services.NEEDS_REPLICA_COUNTS
    }
    return {
        "services": {**declarations, **({"orders": declaration} if declaration is not None else {})}
    }


def test_complete_service_passes() -> None:
    services.check_services(model({"environment": OWN, "labels": LABELS}))


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
        services.check_services(project)


def test_every_service_is_scraped_by_name() -> None:
    text = services.render_scrape_config((ROOT / "prometheus/scrape/compose.yml").read_text())
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    [listed] = jobs["services"]["dns_sd_configs"]
    assert listed["names"] == [f"alertdrill-orders-{number}" for number in range(1, 9)]
    assert (listed["port"], listed["type"], listed["refresh_interval"]) == (5003, "A", "5s")
    assert {"stack", "pushed", "load", "probe"} <= set(jobs)


def test_containers_are_named_after_the_project() -> None:
    assert next(iter(services.container_names(ORDERS, "mine").items())) == (
        "mine-orders-1",
        "orders-1",
    )

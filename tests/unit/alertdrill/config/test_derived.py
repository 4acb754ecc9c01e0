from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config.derived import (
    COMPOSE,
    COMPOSE_ENV,
    RULES,
    StaleFilesError,
    derived_files,
    require_current_files,
    stale_files,
    write_stale_files,
)
from alertdrill.config.service import Limits, Objective, Replicas, Service
from alertdrill.config.services import SERVICES

ORDERS = Service(
    name="orders",
    port=5003,
    objective=Objective(availability=0.995, latency=1.0),
    limits=Limits(memory=64 * 2**20, series=500),
    replicas=Replicas(min=1, max=3),
    heal=False,
    server="gunicorn",
    calls=["web"],
)
SHOP = {**SERVICES, "orders": ORDERS}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with the file that the defaults are from, and the folders of the others."""
    (tmp_path / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    for name in (RULES, COMPOSE):
        (tmp_path / name).parent.mkdir(parents=True)
    return tmp_path


def orders(root: Path) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(derived_files(SHOP, root)[COMPOSE])["services"]
    return dict(services["orders"])


def test_rules_have_the_objective_and_the_limits(root: Path) -> None:
    groups = yaml.safe_load(derived_files(SHOP, root)[RULES])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    own = [rule for rule in rules if rule["labels"]["service"] == "orders"]
    assert {rule["record"]: rule["expr"] for rule in own} == {
        "service:objective:ratio": "vector(0.995)",
        "service:memory_limit:bytes": "vector(67108864)",
        "service:series_limit:count": "vector(500)",
    }
    assert own[0]["labels"]["le"] == "1.0"  # as Prometheus writes it


def test_compose_service_has_what_is_declared(root: Path) -> None:
    service = orders(root)
    environment = service["environment"]
    assert (environment["PORT"], environment["OPS_PORT"]) == (5003, 5053)
    assert environment["WEB_URL"] == "http://lb:8081"
    assert service["labels"] == {"alertdrill.heal": "0"}
    assert service["deploy"]["replicas"] == 1
    assert service["deploy"]["resources"]["limits"]["memory"] == "64M" == service["memswap_limit"]
    assert service["command"][0] == "gunicorn"
    assert service["build"]["args"]["SERVICE"] == "orders"
    assert environment["APP"] == "apps.orders:create_app()"


def test_compose_service_has_the_defaults_of_all(root: Path) -> None:
    defaults = yaml.safe_load((root / "docker-compose.yml").read_text())
    assert {**defaults["x-hardened"], **defaults["x-service"]}.items() <= orders(root).items()


def test_proxy_gets_the_name_of_every_service(root: Path) -> None:
    names = derived_files(SHOP, root)[COMPOSE_ENV].partition("SERVICES=")[2].strip().split("|")
    assert {"orders", "web", "lb", "prometheus", "drills"} <= set(names)


def test_proxy_gets_the_names_of_containers_that_run_once(root: Path) -> None:
    """The control API inspects each container, and fails if the proxy refuses one."""
    released = {"path": "../orders", "release": "migrate", "secrets": {"key": "generated"}}
    shop = {**SERVICES, "orders": ORDERS.model_copy(update=released)}
    names = derived_files(shop, root)[COMPOSE_ENV].partition("SERVICES=")[2].strip().split("|")
    assert {"orders-release", "orders-secrets"} <= set(names)
    assert "service-base" not in names


def test_only_what_is_out_of_date_is_written(root: Path) -> None:
    assert write_stale_files(SHOP, root) == [RULES, COMPOSE, COMPOSE_ENV]
    assert write_stale_files(SHOP, root) == []
    changed = ORDERS.model_copy(update={"heal": True})
    assert write_stale_files({**SHOP, "orders": changed}, root) == [COMPOSE]


def test_file_that_is_out_of_date_is_named(root: Path) -> None:
    write_stale_files(SERVICES, root)
    require_current_files(SERVICES, root)
    with pytest.raises(StaleFilesError, match=rf"^{RULES}, {COMPOSE}, {COMPOSE_ENV}: not written"):
        require_current_files(SHOP, root)
    assert len(stale_files(SHOP, root)) == 3

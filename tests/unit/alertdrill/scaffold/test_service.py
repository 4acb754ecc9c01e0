from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.derived import stale_files
from alertdrill.config.service import Service
from alertdrill.config.services import read_services
from alertdrill.load.profile import LoadProfile, load_profiles
from alertdrill.scaffold.repository import Repository, ScaffoldError, write_changes
from alertdrill.scaffold.service import NewService, add_service
from tests.unit.alertdrill.scaffold.files import contents


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop/__init__.py").write_text("app = None\n")
    return folder


def written(root: Path, name: str, **options: Any) -> tuple[Service, LoadProfile]:
    """Add a service; return its declaration and its load, as the stack reads them."""
    write_changes(add_service(Repository(root), NewService(name, **options)))
    services = read_services(root / "apps")
    return services[name], load_profiles(root / "loadtests/profiles.yml", services)[name]


def test_new_service_is_declared(root: Path) -> None:
    service, _ = written(root, "orders")
    assert (service.port, service.public, service.path) == (5002, ["/orders"], None)
    assert (service.host, service.strip_prefix, service.location) == (None, False, "apps/orders")


def test_new_service_has_its_code_its_tests_and_an_alert(root: Path) -> None:
    repository = add_service(Repository(root), NewService("order-items"))
    assert {
        "apps/order_items/__init__.py",
        "tests/unit/apps/order_items/test_routes.py",
        "prometheus/rules/order-items.yml",
        "tests/rules/OrderItemsErrors.yml",
        "drills/OrderItemsErrors.yml",
        "alerting/runbooks/OrderItemsErrors.md",
    } <= repository.changes.keys()
    assert not [text for text in repository.changes.values() if "@{" in text]
    code = repository.changes["apps/order_items/__init__.py"]
    assert 'init_app(app, service="order-items"' in code
    assert '@app.get("/order-items/<int:number>")' in code
    assert "\nload: order-items\n" in repository.changes["drills/OrderItemsErrors.yml"]


@pytest.mark.parametrize(
    ("options", "public", "requested"),
    [
        ({}, "/orders", "/orders/3"),
        ({"public": "/api/orders"}, "/api/orders", "/api/orders/3"),
        ({"public": "/", "host": "orders.localhost"}, "/", "/3"),
    ],
)
def test_load_requests_the_path_of_the_service(
    root: Path, options: dict[str, Any], public: str, requested: str
) -> None:
    service, profile = written(root, "orders", **options)
    assert (service.public, service.host) == ([public], options.get("host"))
    (request,) = profile.requests
    expected = {"Host": options["host"]} if "host" in options else {}
    assert (request.path, request.headers, profile.flat) == (requested, expected, True)
    code = (root / "apps/orders/__init__.py").read_text()
    assert f'"{requested.removesuffix("3")}<int:number>"' in code


def test_port_may_be_given(root: Path) -> None:
    assert written(root, "orders", port=5007)[0].port == 5007
    assert written(root, "invoices")[0].port == 5002


def test_derived_files_follow_from_the_new_entry(root: Path) -> None:
    written(root, "orders")
    assert stale_files(read_services(root / "apps"), root) == []
    assert "service: orders" in (root / "prometheus/rules/services.yml").read_text()


def test_comments_of_the_declarations_stay(root: Path) -> None:
    before = {
        name: (root / name).read_text() for name in ("apps/services.yml", "docker-compose.yml")
    }
    written(root, "orders")
    for name, text in before.items():
        assert (root / name).read_text().startswith(text)


@pytest.mark.parametrize("requirements", [True, False])
def test_application_is_adopted_and_not_changed(
    root: Path, application: Path, requirements: bool
) -> None:
    if requirements:
        (application / "requirements.txt").write_text("flask\n")
    before = contents(application)
    service, profile = written(
        root, "shop", folder=application, app="shop:create_app()", host="shop.localhost"
    )
    assert contents(application) == before
    assert (service.path, service.app) == ("../shop", "shop:create_app()")
    assert service.requirements == ("requirements.txt" if requirements else None)
    assert (service.public, service.host, service.strip_prefix) == (["/"], "shop.localhost", False)
    (request,) = profile.requests
    assert (request.path, request.headers) == ("/", {"Host": "shop.localhost"})
    assert not (root / "apps/shop").exists()


def test_application_without_a_host_is_below_a_path(root: Path, application: Path) -> None:
    service, profile = written(root, "shop", folder=application, app="shop:app")
    assert (service.public, service.strip_prefix, service.host) == (["/shop"], True, None)
    assert [request.path for request in profile.requests] == ["/shop/"]


def test_application_at_a_host_keeps_its_path(root: Path, application: Path) -> None:
    options = {"host": "shop.localhost", "public": "/api"}
    service, profile = written(root, "shop", folder=application, app="shop:app", **options)
    assert (service.public, service.strip_prefix) == (["/api"], False)
    assert [request.path for request in profile.requests] == ["/api/"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Orders", {}, "'Orders' is not a valid service name: use up to 30 small letters"),
        ("orders1", {}, "'orders1' is not a valid service name"),
        ("prometheus", {}, "Prometheus is a component of the stack"),
        ("web", {}, "There is a service web already: use another name."),
        ("steady", {}, "steady is the name of a load in loadtests/profiles.yml"),
        ("none", {}, "none is the name of a load"),
        ("class", {}, "class is a word of Python"),
        ("orders", {"port": 5001}, "Port 5001 already belongs to data-service."),
        ("orders", {"public": "/"}, "Public / already belongs to web."),
        ("orders", {"public": "orders"}, "Item 1 of public is 'orders': use a path"),
        ("orders", {"host": "Orders.localhost"}, "Host is 'Orders.localhost': use a host name"),
        ("orders", {"folder": Path("/no/such"), "app": "a"}, "There is no folder /no/such"),
    ],
)
def test_refused_service_writes_nothing(
    root: Path, name: str, options: dict[str, Any], message: str
) -> None:
    before = contents(root)
    with pytest.raises(ScaffoldError) as refused:
        add_service(Repository(root), NewService(name, **options))
    assert re.match(re.escape(message), str(refused.value), re.IGNORECASE), refused.value
    assert contents(root) == before


@pytest.mark.parametrize("folder", ["apps/orders", "tests/unit/apps/orders"])
def test_code_is_not_overwritten(root: Path, folder: str) -> None:
    (root / folder).mkdir(parents=True)
    with pytest.raises(ScaffoldError, match=rf"^{folder} exists already"):
        add_service(Repository(root), NewService("orders"))


def test_alert_of_the_service_that_exists_is_refused(root: Path) -> None:
    (root / "drills/OrdersErrors.yml").write_text("mine")
    before = contents(root)
    with pytest.raises(ScaffoldError, match=r"^drills/OrdersErrors\.yml exists already"):
        add_service(Repository(root), NewService("orders"))
    assert contents(root) == before


def test_all_ports_may_be_taken(root: Path) -> None:
    for letter in "abcdefgh":
        written(root, f"service-{letter}x")
    with pytest.raises(ScaffoldError, match=r"^Every port from 5000 to 5009 belongs to a service"):
        add_service(Repository(root), NewService("orders"))


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("orders", "OrdersErrors"),
        ("order-items", "OrderItemsErrors"),
        ("x-ray", "XrayErrors"),  # no word of a single letter
        ("a2b", "A2bErrors"),
    ],
)
def test_alert_has_the_name_of_the_service(name: str, alert: str) -> None:
    assert NewService(name).alert == alert

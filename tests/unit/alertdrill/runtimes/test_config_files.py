import re
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.runtimes import config_files

ORDERS = SERVICES["data-service"].model_copy(
    update={
        "name": "orders",
        "port": 5003,
        "public": ("/orders", "/prices"),
        "internal": ("/stock",),
    }
)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    services = {"web": SERVICES["web"], "orders": ORDERS}
    monkeypatch.setattr(config_files, "SERVICES", services)
    addresses = {
        "web": {"web-1": "127.0.0.1:101"},
        "orders": {"orders-1": "a:5003", "orders-2": "b:5003"},
    }
    return dict(config_files.lb_files(addresses))


def test_each_service_has_a_backend_and_one_for_large_bodies(files: dict[str, str]) -> None:
    text = files["backends.cfg"]
    names = re.findall(r"^backend (\S+) from instances$", text, re.MULTILINE)
    assert names == ["web", "web-large", "orders", "orders-large"]
    assert "{ queue(orders) ge 512 }" in text
    assert re.findall(r"^    server .+$", text, re.MULTILINE) == [
        "    server web-1 127.0.0.1:101 check port 151",
        "    server web-1 127.0.0.1:101 track web/web-1",
        "    server orders-1 a:5003 check port 5053",
        "    server orders-2 b:5003 check port 5053",
        "    server orders-1 a:5003 track orders/orders-1",
        "    server orders-2 b:5003 track orders/orders-2",
    ]
    assert "$" not in text


def test_paths_end_with_a_slash(files: dict[str, str]) -> None:
    messages = {name: files[name].splitlines()[1:] for name in ("public.map", "internal.map")}
    assert messages == {
        "public.map": ["/ web", "/orders/ orders", "/prices/ orders"],
        "internal.map": ["/stock/ orders"],
    }


def files_of(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, str]:
    """Return the files of a load balancer whose only service has these keys."""
    service = ORDERS.model_copy(update=changes)
    monkeypatch.setattr(config_files, "SERVICES", {"orders": service})
    return dict(config_files.lb_files({"orders": {"orders-1": "a:5003"}}))


def test_host_is_before_each_public_path_only(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"host": "shop.example", "public": ["/", "/orders"], "internal": ["/stock"]}
    files = files_of(monkeypatch, **keys)
    assert files["public.map"].splitlines()[1:] == [
        "shop.example/ orders",
        "shop.example/orders/ orders",
    ]
    assert files["internal.map"].splitlines()[1:] == ["/stock/ orders"]


def test_both_backends_wait_for_the_response_of_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = ORDERS.limits.model_copy(update={"response": 2.5})
    text = files_of(monkeypatch, limits=limits)["backends.cfg"]
    assert re.findall(r"timeout server (\S+)", text) == ["2500ms", "2500ms"]


def test_instance_gets_as_many_requests_as_it_has_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = files_of(monkeypatch, threads=3)["backends.cfg"]
    assert re.findall(r"^    default-server maxconn (\d+)", text, re.MULTILINE) == ["3"]


def test_prefix_stays_unless_the_service_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set-path" not in files_of(monkeypatch, public=["/blog"])["backends.cfg"]
    stripped = files_of(monkeypatch, public=["/blog"], strip_prefix=True)["backends.cfg"]
    assert stripped.count("set-path") == 2  # also of a request with a large body

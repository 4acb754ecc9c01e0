import re

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
        "public.map": ["/orders/ orders", "/prices/ orders"],
        "internal.map": ["/stock/ orders"],
    }

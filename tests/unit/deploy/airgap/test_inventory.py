from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import (
    ImageVersions,
    Replicas,
    StackSettings,
    digest_variable,
    own_images,
    parse,
)
from deploy.airgap import inventory
from deploy.airgap.inventory import ImageStatus, InventoryRow, read_inventory, write_inventory

PROMETHEUS = "prom/prometheus"


class FakeEngine:
    """An engine that has the named images."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def image(self, name: str) -> dict[str, Any] | None:
        return {"Id": "sha256:1", "Size": 5} if name.startswith(self._names) else None


def statuses(*names: str, settings: StackSettings | None = None) -> dict[str, ImageStatus]:
    engine: Any = FakeEngine(*names)
    items = inventory.image_status(engine, settings or parse({}))
    return {item.name.rpartition(":")[0]: item for item in items}


def test_absent_image_is_missing() -> None:
    assert statuses()[PROMETHEUS].is_missing
    assert not statuses(PROMETHEUS)[PROMETHEUS].is_missing


def test_image_left_out_is_not_missing() -> None:
    settings = parse({"GRAFANA_REPLICAS": "0"})
    assert settings.replicas == Replicas(grafana=0)
    item = statuses(settings=settings)["grafana/grafana"]
    assert not item.is_missing
    assert inventory.image_origin(item, []) == "left out by GRAFANA_REPLICAS=0"


def test_own_images_are_never_missing() -> None:
    assert not statuses()["alertdrill.invalid/web"].is_missing


def test_env_variable_has_the_tag_without_the_digest() -> None:
    pinned = f"v3.5.0@sha256:{'0' * 64}"
    settings = parse({"PROMETHEUS_VERSION": pinned})
    item = statuses(PROMETHEUS, settings=settings)[PROMETHEUS]
    assert item.reference == f"{PROMETHEUS}:{pinned}"
    assert inventory.env_variables([item])["PROMETHEUS_VERSION"] == "v3.5.0"


def test_env_variables_leave_missing_images_out() -> None:
    values = inventory.env_variables(statuses("grafana/loki").values())
    assert values["LOKI_VERSION"] == ImageVersions().loki
    assert values["LOKI_REPLICAS"] == "1"
    assert values["GRAFANA_REPLICAS"] == "0"
    assert "GRAFANA_VERSION" not in values


def test_collector_without_loki_is_left_out() -> None:
    collector = "otel/opentelemetry-collector-contrib"
    assert inventory.env_variables(statuses(collector).values())["COLLECTOR_REPLICAS"] == "0"
    with_loki = statuses(collector, "grafana/loki").values()
    assert inventory.env_variables(with_loki)["COLLECTOR_REPLICAS"] == "1"


def test_env_variables_have_our_version_only_if_it_is_not_the_default() -> None:
    settings = parse({"ALERTDRILL_VERSION": "0.2.0"})
    changed = statuses("alertdrill.invalid/web", settings=settings)
    assert inventory.env_variables(changed.values())["ALERTDRILL_VERSION"] == "0.2.0"
    assert "ALERTDRILL_VERSION" not in inventory.env_variables(
        statuses("alertdrill.invalid/web").values()
    )


def test_origin_is_read_from_the_inventory() -> None:
    item = statuses(PROMETHEUS)[PROMETHEUS]
    assert (
        inventory.image_origin(item, [InventoryRow(item.name, "3", "a package", "", 5)])
        == "a package"
    )
    assert inventory.image_origin(item, []) == "this host"


def test_image_of_a_registry_has_its_reference_and_local_name() -> None:
    digest = f"sha256:{'0' * 64}"
    digests = {digest_variable(name): digest for name in own_images()}
    item = statuses("example.com/web", settings=parse({"REGISTRY": "example.com", **digests}))
    assert item["alertdrill.invalid/web"].reference == f"example.com/web:0.1.0@{digest}"


def test_written_inventory_is_read_back(tmp_path: Path) -> None:
    row = InventoryRow("haproxy:3-local", "3", "haproxy 3 of trixie", "", 5)
    write_inventory(tmp_path, [row])
    assert list(read_inventory(tmp_path)) == [row]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": [{"name": "x"}]}'])
def test_damaged_inventory_counts_as_empty(tmp_path: Path, text: str) -> None:
    assert read_inventory(tmp_path) == []
    (tmp_path / "images").mkdir()
    (tmp_path / "images/inventory.json").write_text(text)
    assert read_inventory(tmp_path) == []

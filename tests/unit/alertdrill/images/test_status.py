from typing import Any

from alertdrill.image_versions import ImageVersions
from alertdrill.images import status
from alertdrill.images.inventory import InventoryRow
from alertdrill.settings import OWN_IMAGES, Replicas, StackSettings, digest_variable, parse

PROMETHEUS = "prom/prometheus"


class FakeEngine:
    """An engine that has the named images."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def image(self, name: str) -> dict[str, Any] | None:
        return {"Id": "sha256:1", "Size": 5} if name.startswith(self._names) else None


def statuses(*names: str, settings: StackSettings | None = None) -> dict[str, status.ImageStatus]:
    engine: Any = FakeEngine(*names)
    items = status.image_status(engine, settings or parse({}))
    return {item.name.rpartition(":")[0]: item for item in items}


def test_absent_image_is_missing() -> None:
    assert statuses()[PROMETHEUS].is_missing
    assert not statuses(PROMETHEUS)[PROMETHEUS].is_missing


def test_image_left_out_is_not_missing() -> None:
    settings = parse({"GRAFANA_REPLICAS": "0"})
    assert settings.replicas == Replicas(grafana=0)
    item = statuses(settings=settings)["grafana/grafana"]
    assert not item.is_missing
    assert status.image_origin(item, []) == "left out by GRAFANA_REPLICAS=0"


def test_own_images_are_never_missing() -> None:
    assert not statuses()["alertdrill.invalid/web"].is_missing


def test_env_variable_has_the_tag_without_the_digest() -> None:
    pinned = f"v3.5.0@sha256:{'0' * 64}"
    settings = parse({"PROMETHEUS_VERSION": pinned})
    item = statuses(PROMETHEUS, settings=settings)[PROMETHEUS]
    assert item.reference == f"{PROMETHEUS}:{pinned}"
    assert status.env_variables([item])["PROMETHEUS_VERSION"] == "v3.5.0"


def test_env_variables_leave_missing_images_out() -> None:
    values = status.env_variables(statuses("grafana/loki").values())
    assert values["LOKI_VERSION"] == ImageVersions().loki
    assert values["LOKI_REPLICAS"] == "1"
    assert values["GRAFANA_REPLICAS"] == "0"
    assert "GRAFANA_VERSION" not in values


def test_collector_without_loki_is_left_out() -> None:
    collector = "otel/opentelemetry-collector-contrib"
    assert status.env_variables(statuses(collector).values())["COLLECTOR_REPLICAS"] == "0"
    with_loki = statuses(collector, "grafana/loki").values()
    assert status.env_variables(with_loki)["COLLECTOR_REPLICAS"] == "1"


def test_env_variables_have_our_version_only_if_it_is_not_the_default() -> None:
    settings = parse({"ALERTDRILL_VERSION": "0.2.0"})
    changed = statuses("alertdrill.invalid/web", settings=settings)
    assert status.env_variables(changed.values())["ALERTDRILL_VERSION"] == "0.2.0"
    assert "ALERTDRILL_VERSION" not in status.env_variables(
        statuses("alertdrill.invalid/web").values()
    )


def test_origin_is_read_from_the_inventory() -> None:
    item = statuses(PROMETHEUS)[PROMETHEUS]
    assert (
        status.image_origin(item, [InventoryRow(item.name, "3", "a package", "", 5)]) == "a package"
    )
    assert status.image_origin(item, []) == "this host"


def test_image_of_a_registry_has_its_reference_and_local_name() -> None:
    digest = f"sha256:{'0' * 64}"
    digests = {digest_variable(name): digest for name in OWN_IMAGES}
    item = statuses("example.com/web", settings=parse({"REGISTRY": "example.com", **digests}))
    assert item["alertdrill.invalid/web"].reference == f"example.com/web:0.1.0@{digest}"

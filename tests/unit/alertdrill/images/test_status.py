from typing import Any

from alertdrill.image_versions import ImageVersions
from alertdrill.images import status
from alertdrill.images.inventory import InventoryRow
from alertdrill.settings import OWN_IMAGES, Replicas, StackSettings, digest_variable, parse

PROMETHEUS = "prom/prometheus"


class FakeEngine:
    """Has the images that it is given."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def image(self, name: str) -> dict[str, Any] | None:
        return {"Id": "sha256:1", "Size": 5} if name.startswith(self._names) else None


def survey(*names: str, settings: StackSettings | None = None) -> dict[str, status.ImageStatus]:
    engine: Any = FakeEngine(*names)
    items = status.image_status(engine, settings or parse({}))
    return {item.name.rpartition(":")[0]: item for item in items}


def test_absent_image_is_missing() -> None:
    assert survey()[PROMETHEUS].is_missing
    assert not survey(PROMETHEUS)[PROMETHEUS].is_missing


def test_image_left_out_is_not_missing() -> None:
    settings = parse({"GRAFANA_REPLICAS": "0"})
    assert settings.replicas == Replicas(grafana=0)
    item = survey(settings=settings)["grafana/grafana"]
    assert not item.is_missing
    assert status.image_origin(item, []) == "left out by GRAFANA_REPLICAS=0"


def test_own_images_are_never_missing() -> None:
    assert not survey()["alertdrill.invalid/web"].is_missing


def test_tag_travels_without_the_digest() -> None:
    pinned = f"v3.5.0@sha256:{'0' * 64}"
    settings = parse({"PROMETHEUS_VERSION": pinned})
    item = survey(PROMETHEUS, settings=settings)[PROMETHEUS]
    assert item.reference == f"{PROMETHEUS}:{pinned}"
    assert status.env_variables([item])["PROMETHEUS_VERSION"] == "v3.5.0"


def test_what_is_not_here_is_left_out() -> None:
    values = status.env_variables(survey("grafana/loki").values())
    assert values["LOKI_VERSION"] == ImageVersions().loki
    assert values["LOKI_REPLICAS"] == "1"
    assert values["GRAFANA_REPLICAS"] == "0"
    assert "GRAFANA_VERSION" not in values


def test_collector_without_loki_is_left_out() -> None:
    collector = "otel/opentelemetry-collector-contrib"
    assert status.env_variables(survey(collector).values())["COLLECTOR_REPLICAS"] == "0"
    both = survey(collector, "grafana/loki").values()
    assert status.env_variables(both)["COLLECTOR_REPLICAS"] == "1"


def test_own_version_travels_when_unusual() -> None:
    settings = parse({"ALERTDRILL_VERSION": "0.2.0"})
    own = survey("alertdrill.invalid/web", settings=settings)
    assert status.env_variables(own.values())["ALERTDRILL_VERSION"] == "0.2.0"
    assert "ALERTDRILL_VERSION" not in status.env_variables(
        survey("alertdrill.invalid/web").values()
    )


def test_origin_is_what_was_noted() -> None:
    item = survey(PROMETHEUS)[PROMETHEUS]
    assert (
        status.image_origin(item, [InventoryRow(item.name, "3", "a package", "", 5)]) == "a package"
    )
    assert status.image_origin(item, []) == "this host"


def test_image_of_a_registry_is_moved_under_its_local_name() -> None:
    digest = f"sha256:{'0' * 64}"
    digests = {digest_variable(name): digest for name in OWN_IMAGES}
    item = survey("example.com/web", settings=parse({"REGISTRY": "example.com", **digests}))
    assert item["alertdrill.invalid/web"].reference == f"example.com/web:0.1.0@{digest}"

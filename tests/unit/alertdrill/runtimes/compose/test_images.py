from collections.abc import Sequence
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import ImageVersions, own_images, parse
from alertdrill.runtimes.compose import images
from alertdrill.runtimes.compose.images import ensure_images, push
from alertdrill.runtimes.errors import EngineError


class FakeCompose:
    """Has some images, can pull some, and builds if `builds` is true."""

    def __init__(self, *here: str, registry: tuple[str, ...] = (), builds: bool = True) -> None:
        self.here = set(here)
        self.registry = registry
        self.builds = builds
        self.built: list[str] = []

    def has_image(self, image: str) -> bool:
        return image in self.here

    def docker(self, *arguments: str) -> str:
        if arguments[-1] not in self.registry:
            raise EngineError("docker pull failed: not found.")
        return ""

    def run(self, *arguments: str, profiles: Sequence[str] = ()) -> str:
        self.built.append(" ".join((*profiles, *arguments)))
        if not self.builds:
            raise EngineError("docker compose build failed: no base.")
        return ""


OURS = "alertdrill.invalid/web:0.1.0"
PULLED = f"example.com/web:0.1.0@sha256:{'0' * 64}"


def had(compose: FakeCompose, ours: str = OURS, **images: str) -> tuple[list[str], dict[str, str]]:
    services = {name.replace("_", "-"): {"image": image} for name, image in images.items()}
    fake: Any = compose
    model = {"services": {**services, "web": {"image": ours, "build": {}}}}
    return ensure_images(fake, model, lambda _: None)


@pytest.mark.parametrize(
    "compose", [FakeCompose("haproxy:3"), FakeCompose(registry=("haproxy:3",))]
)
def test_image_is_used_or_pulled(compose: FakeCompose) -> None:
    assert had(compose, lb="haproxy:3") == ([], {})


@pytest.mark.parametrize(
    ("component", "image", "message"),
    [
        ("prometheus", "prom/prometheus:v99", r"^PROMETHEUS_VERSION is 'v99': the image prom/p"),
        ("prometheus", "prom/prometheus:v3@sha256:ab", r"^PROMETHEUS_VERSION is 'v3@sha256:ab'"),
        ("grafana", "grafana/grafana:99.0", r"^GRAFANA_VERSION is '99\.0'"),
    ],
)
def test_unavailable_version_is_named(component: str, image: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        had(FakeCompose(), **{component: image})


def test_unavailable_optional_component_is_disabled() -> None:
    messages, variables = had(FakeCompose(), grafana=f"grafana/grafana:{ImageVersions().grafana}")
    assert variables == {"GRAFANA_REPLICAS": "0"}
    assert "runs without grafana" in messages[0]


def test_collector_is_disabled_without_loki() -> None:
    collector = f"otel/opentelemetry-collector-contrib:{ImageVersions().collector}"
    loki = f"grafana/loki:{ImageVersions().loki}"
    _, variables = had(FakeCompose(collector), loki=loki, collector=collector)
    assert variables == {"LOKI_REPLICAS": "0", "COLLECTOR_REPLICAS": "0"}


def test_disabled_component_needs_no_image() -> None:
    fake: Any = FakeCompose()
    disabled = {"image": "grafana/grafana:99", "deploy": {"replicas": 0}}
    wanted = {"services": {"grafana": disabled, "web": {"image": OURS, "build": {}}}}
    messages, _ = ensure_images(fake, wanted, lambda _: None)
    assert messages == ["grafana is disabled by GRAFANA_REPLICAS=0."]


def test_loaded_images_need_no_build() -> None:
    assert had(FakeCompose(OURS, builds=False)) == ([], {})


def test_failed_build_is_named() -> None:
    with pytest.raises(
        EngineError, match=r"^alertdrill\.invalid/web:0\.1\.0 can't be built\. docker c"
    ):
        had(FakeCompose(builds=False))


def test_registry_image_is_pulled_and_not_built() -> None:
    assert had(FakeCompose(registry=(PULLED,), builds=False), PULLED) == ([], {})


def test_image_missing_from_the_registry_is_named() -> None:
    with pytest.raises(EngineError, match=r"^example\.com/web:0\.1\.0@.* check REGISTRY"):
        had(FakeCompose(), PULLED)


DIGEST = f"sha256:{'a' * 64}"


class FakeEngine:
    """An engine that has our images once they are built, and the digests of pushed ones."""

    def __init__(self, *, built: bool = True) -> None:
        self._tags = {f"alertdrill.invalid/{name}:0.1.0" for name in own_images() if built}
        self._pushed: list[str] = []

    def has_image(self, image: str) -> bool:
        return image in self._tags

    def docker(self, *arguments: str) -> str:
        image = arguments[-1]
        if arguments[:2] == ("image", "inspect"):
            digests = [f"{pushed.rpartition(':')[0]}@{DIGEST}\n" for pushed in self._pushed]
            return "".join(["elsewhere.test/web@sha256:0\n", *digests])
        if arguments[0] == "push":
            self._pushed.append(image)
        else:
            self._tags.add(image)
        return ""


def pushed(engine: FakeEngine, registry: str = "example.com:5000/team") -> dict[str, str]:
    fake: Any = engine
    return dict(push(fake, registry, "0.1.0", lambda _: None))


def test_printed_variables_are_settings_that_pull_the_pushed_images() -> None:
    settings = parse(pushed(FakeEngine()))
    assert settings.image("web") == f"example.com:5000/team/web:0.1.0@{DIGEST}"


def test_image_that_is_not_built_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"alertdrill\.invalid/web:0\.1\.0.* not built"):
        pushed(FakeEngine(built=False))


@pytest.mark.parametrize("registry", ["", "https://example.com", "a b"])
def test_invalid_registry_is_refused(registry: str) -> None:
    with pytest.raises(EngineError, match="is not a registry"):
        pushed(FakeEngine(), registry)


@pytest.mark.parametrize("path", [None, "../shop"])
def test_base_of_an_application_from_outside_is_built_first(
    monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    web = SERVICES["web"].model_copy(update={"path": path})
    monkeypatch.setattr(images, "SERVICES", {"web": web})
    fake: Any = FakeCompose()
    images.build(fake, "web")
    base = ["build build --quiet service-base"] if path else []
    assert fake.built == [*base, "build --quiet web"]

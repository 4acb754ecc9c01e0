from typing import Any

import pytest

from alertdrill.config.settings import own_images, parse
from alertdrill.runtimes.compose.errors import EngineError
from alertdrill.runtimes.compose.publish import push

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

import json
from pathlib import Path

import pytest

from alertdrill import settings_json
from alertdrill.image_versions import ImageVersions
from alertdrill.settings import Ports, Replicas, StackSettings


@pytest.mark.parametrize(
    "settings",
    [
        StackSettings(Path("/h")),
        StackSettings(
            Path("/h"),
            cache=Path("/c"),
            ports=Ports(lb=9000),
            replicas=Replicas(loki=0),
            versions=ImageVersions(loki="3.0.0"),
            heal={"web": False},
            speed=12.0,
            ephemeral=True,
        ),
    ],
)
def test_settings_come_back_whole(settings: StackSettings) -> None:
    assert settings_json.from_dict(json.loads(settings_json.to_json(settings))) == settings


def test_another_versions_are_refused() -> None:
    found = json.loads(settings_json.to_json(StackSettings(Path("/h"))))
    with pytest.raises(TypeError, match="no_longer"):
        settings_json.from_dict({**found, "no_longer": 1})

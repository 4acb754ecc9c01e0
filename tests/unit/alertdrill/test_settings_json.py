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
def test_settings_read_back_unchanged(settings: StackSettings) -> None:
    assert settings_json.from_dict(json.loads(settings_json.to_json(settings))) == settings


def test_settings_with_an_unknown_field_are_refused() -> None:
    values = json.loads(settings_json.to_json(StackSettings(Path("/h"))))
    with pytest.raises(TypeError, match="no_longer"):
        settings_json.from_dict({**values, "no_longer": 1})

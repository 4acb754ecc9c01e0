import json
from pathlib import Path

import pytest

from alertdrill import stored
from alertdrill.settings import Ports, Replicas, StackSettings
from alertdrill.versions import Versions


@pytest.mark.parametrize(
    "settings",
    [
        StackSettings(Path("/h")),
        StackSettings(
            Path("/h"),
            cache=Path("/c"),
            ports=Ports(lb=9000),
            replicas=Replicas(loki=0),
            versions=Versions(loki="3.0.0"),
            heal={"web": False},
            speed=12.0,
            rehearsal=True,
        ),
    ],
)
def test_settings_come_back_whole(settings: StackSettings) -> None:
    assert stored.read(json.loads(stored.written(settings))) == settings


def test_another_versions_are_refused() -> None:
    found = json.loads(stored.written(StackSettings(Path("/h"))))
    with pytest.raises(TypeError, match="no_longer"):
        stored.read({**found, "no_longer": 1})

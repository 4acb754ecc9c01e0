"""docker-compose.yml together with the services that it includes."""

from __future__ import annotations

from typing import Any

import yaml

from alertdrill.config import ROOT
from alertdrill.config.derived import COMPOSE

OWN = (ROOT / "docker-compose.yml").read_text()
TEXT = OWN + (ROOT / COMPOSE).read_text()
SERVICES: dict[str, dict[str, Any]] = {
    **yaml.safe_load(OWN)["services"],
    **yaml.safe_load((ROOT / COMPOSE).read_text())["services"],
}

"""docker-compose.yml together with the services that it includes."""

from __future__ import annotations

from typing import Any

import yaml

from alertdrill.config import ROOT
from alertdrill.config.compose_services import BASE
from alertdrill.config.derived import COMPOSE
from alertdrill.config.service_values import RELEASE, SECRET_FILES

OWN = (ROOT / "docker-compose.yml").read_text()
# Without what runs once for a service, or is only built: alertdrill/config/compose_services.py has
# its own tests.
DERIVED: dict[str, dict[str, Any]] = {
    name: {key: value for key, value in service.items() if key != "build" or "target" in value}
    for name, service in yaml.safe_load((ROOT / COMPOSE).read_text())["services"].items()
    if name != BASE and not name.endswith((RELEASE, SECRET_FILES))
}
TEXT = OWN + yaml.safe_dump({"services": DERIVED})
SERVICES: dict[str, dict[str, Any]] = {**yaml.safe_load(OWN)["services"], **DERIVED}

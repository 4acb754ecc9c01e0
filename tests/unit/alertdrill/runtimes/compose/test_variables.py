from pathlib import Path

from alertdrill.config.settings import Replicas, StackSettings
from alertdrill.runtimes.compose.variables import from_settings


def test_healing_is_passed_on() -> None:
    variables = from_settings(StackSettings(Path("/h"), heal={"web": False}, healing="dry-run"))
    assert (variables["HEAL_WEB"], variables["HEAL_DATA_SERVICE"], variables["HEALING"]) == (
        "0",
        "1",
        "dry-run",
    )


def test_responder_has_no_grafana_if_it_is_disabled() -> None:
    # An unset variable has the default of docker-compose.yml: Grafana's address.
    assert "GRAFANA_INTERNAL_URL" not in from_settings(StackSettings(Path("/h")))
    variables = from_settings(StackSettings(Path("/h"), replicas=Replicas(grafana=0)))
    assert variables["GRAFANA_INTERNAL_URL"] == ""

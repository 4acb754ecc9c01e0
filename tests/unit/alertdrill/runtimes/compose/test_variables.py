from pathlib import Path

from alertdrill.runtimes.compose.variables import from_settings
from alertdrill.settings import Replicas, StackSettings


def test_healing_is_told() -> None:
    made = from_settings(StackSettings(Path("/h"), heal={"web": False}, healing="dry-run"))
    assert (made["HEAL_WEB"], made["HEAL_DATA_SERVICE"], made["HEALING"]) == ("0", "1", "dry-run")


def test_responder_looks_for_no_grafana() -> None:
    # What is not set is as docker-compose.yml has it: Grafana's address.
    assert "GRAFANA_INNER_URL" not in from_settings(StackSettings(Path("/h")))
    made = from_settings(StackSettings(Path("/h"), replicas=Replicas(grafana=0)))
    assert made["GRAFANA_INNER_URL"] == ""

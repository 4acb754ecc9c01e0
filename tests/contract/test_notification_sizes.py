"""A notification with as many alerts as Alertmanager sends fits in the responder's limit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import yaml

from alertdrill_telemetry import TelemetrySettings
from alertdrill_telemetry.env_reader import EnvReader

if TYPE_CHECKING:
    from .conftest import Rule

# What the comment at `max_alerts` promises to an alert.
MAX_ALERT_BYTES, MAX_BYTES_OF_OURS = 10 * 1024, 6 * 1024
# A label's value, or what a template inserts; a name of Kubernetes has at most 253 characters.
VALUE = "x" * 250
# NotificationsFailing has seven labels, the most of all.
LABELS = {f"a_label_with_a_long_name_{number}": VALUE for number in range(7)}


@pytest.fixture(scope="module")
def max_alerts(root: Path) -> int:
    """Return the maximum number of alerts in a notification."""
    config = yaml.safe_load((root / "alerting/alertmanager.yml").read_text())
    ((webhook,),) = (receiver["webhook_configs"] for receiver in config["receivers"])
    number: int = webhook["max_alerts"]
    return number


def test_limits_belong_together(max_alerts: int) -> None:
    limit = TelemetrySettings.from_env("responder", EnvReader({})).max_body_bytes
    # The labels and annotations that all alerts share are in the notification once more.
    assert (max_alerts + 2) * MAX_ALERT_BYTES <= limit


def test_alert_of_ours_leaves_room_for_longer_annotations(alert: Rule) -> None:
    annotations = {
        name: re.sub(r"\{\{.*?\}\}", VALUE, text)
        for name, text in alert.fields["annotations"].items()
    }
    document = {
        "status": "firing",
        "labels": LABELS,
        "annotations": annotations,
        "startsAt": "2026-11-30T00:00:00.000000000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"http://{VALUE}/graph?g0.expr={quote(alert.fields['expr'])}&g0.tab=1",
        "fingerprint": "0123456789abcdef",
    }
    assert len(json.dumps(document)) <= MAX_BYTES_OF_OURS

"""Parse Alertmanager's webhook notification, version 4.

The format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from .errors import MalformedBodyError
from .json_reader import JsonFields

VERSION = "4"
STATUSES = ("firing", "resolved")


@dataclass(frozen=True)
class Alert:
    """An alert of a notification; `ends_at` is None while it fires."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str
    fingerprint: str

    @property
    def name(self) -> str:
        """Return the alert's name."""
        return self.labels["alertname"]


@dataclass(frozen=True)
class Notification:
    """A notification about one group; `payload` is the body as canonical JSON."""

    receiver: str
    status: str
    group_key: str
    group_labels: Mapping[str, str]
    common_labels: Mapping[str, str]
    common_annotations: Mapping[str, str]
    external_url: str
    truncated_alerts: int
    alerts: tuple[Alert, ...]
    payload: str

    @property
    def digest(self) -> str:
        """Return the notification's identity in hexadecimal; a repeated delivery has the same."""
        alerts = sorted(
            (a.fingerprint, a.status, a.starts_at.isoformat(), a.ends_at and a.ends_at.isoformat())
            for a in self.alerts
        )
        identity = (self.receiver, self.group_key, self.status, alerts)
        return hashlib.sha256(orjson.dumps(identity)).hexdigest()


def parse(body: bytes) -> Notification:
    """Return the notification in a webhook's body.

    Raises `MalformedBodyError` with the bad field.
    """
    document, payload = _decode(body)
    fields = JsonFields(document)
    fields.choice("version", (VERSION,))
    return Notification(
        receiver=fields.text("receiver"),
        status=fields.choice("status", STATUSES),
        group_key=fields.text("groupKey"),
        group_labels=fields.labels("groupLabels"),
        common_labels=fields.labels("commonLabels"),
        common_annotations=fields.labels("commonAnnotations"),
        external_url=fields.text("externalURL", empty=True),
        # Added to version 4 after its first release: an older Alertmanager does not send it.
        truncated_alerts=fields.count("truncatedAlerts", default=0),
        alerts=tuple(_alert(item) for item in fields.objects("alerts")),
        payload=payload,
    )


def _alert(fields: JsonFields) -> Alert:
    labels = fields.labels("labels")
    if not labels.get("alertname"):
        raise fields.error("labels.alertname", "must be a non-empty string.")
    status = fields.choice("status", STATUSES)
    ends_at = fields.timestamp("endsAt")
    return Alert(
        status=status,
        labels=labels,
        annotations=fields.labels("annotations"),
        starts_at=fields.timestamp("startsAt"),
        # While an alert fires it is Go's zero time, or an estimate that changes with each delivery.
        ends_at=ends_at if status == "resolved" else None,
        generator_url=fields.text("generatorURL", empty=True),
        fingerprint=fields.text("fingerprint"),
    )


def _decode(body: bytes) -> tuple[object, str]:
    # orjson refuses text that is not UTF-8, lone surrogates and NaN, which SQLite or a client could
    # not process; and, when it writes, documents that are nested too deeply.
    try:
        document = orjson.loads(body)
        return document, orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise MalformedBodyError("body", f"must be JSON: {error}.") from None

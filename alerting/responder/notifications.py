"""Alertmanager's notifications: their format, their store, and the filters of a query."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeInt,
    ValidationInfo,
    field_validator,
)

from .clients import RECEIVER, AlertmanagerAlert
from .db import Database, Row, active_alerts, alerts, insert, notifications, write_checks
from .errors import DatabaseError, InvalidRequestError
from .validation import (
    Body,
    ClosedModel,
    NonEmpty,
    Timestamp,
    format_rfc3339,
    parse_rfc3339,
    validate,
)

VERSION = "4"
# The group key of alerts that the responder adopts; no group key of Alertmanager is like it.
ADOPTED = f"{RECEIVER}/adopted"
GO_ZERO_TIME = "0001-01-01T00:00:00Z"  # Alertmanager's end of an alert that fires
Status = Literal["firing", "resolved"]
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000  # about a megabyte of notifications
# Without the payload, which only a single notification has.
SUMMARY = [column for column in notifications.c if column.name not in ("digest", "payload")]
NOT_SHOWN = ("notification_id", "position", "fingerprint")
ALERT = [column for column in alerts.c if column.name not in NOT_SHOWN]
# How long a late notification about a resolved alert is recognized as late.
RETENTION = timedelta(days=1)


def _named(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get("alertname"):
        raise ValueError("an alert needs the label `alertname`")
    return labels


class Alert(Body):
    """An alert of a notification; `ends_at` is None while it fires."""

    status: Status
    labels: Annotated[dict[str, str], AfterValidator(_named)]
    annotations: dict[str, str]
    starts_at: Timestamp = Field(alias="startsAt")
    ends_at: Timestamp | None = Field(alias="endsAt")
    generator_url: str = Field(alias="generatorURL")
    fingerprint: NonEmpty

    @field_validator("ends_at")
    @classmethod
    def _only_if_resolved(cls, end: datetime, info: ValidationInfo) -> datetime | None:
        # While an alert fires it is Go's zero time, or an estimate that changes with each delivery.
        return end if info.data.get("status") == "resolved" else None

    @property
    def name(self) -> str:
        """Return the alert's name."""
        return self.labels["alertname"]


class Notification(Body):
    """A notification about one group, version 4; `payload` is the body as canonical JSON.

    The format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    version: Literal["4"]
    receiver: NonEmpty
    status: Status
    group_key: NonEmpty = Field(alias="groupKey")
    group_labels: dict[str, str] = Field(alias="groupLabels")
    common_labels: dict[str, str] = Field(alias="commonLabels")
    common_annotations: dict[str, str] = Field(alias="commonAnnotations")
    external_url: str = Field(alias="externalURL")
    # Added to version 4 after its first release: an older Alertmanager does not send it.
    truncated_alerts: NonNegativeInt = Field(default=0, alias="truncatedAlerts")
    alerts: list[Alert] = Field(min_length=1)
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


def parse_notification(body: bytes) -> Notification:
    """Return the notification in a webhook's body; raise `InvalidRequestError` otherwise."""
    # orjson refuses text that is not UTF-8, lone surrogates and NaN, which SQLite or a client could
    # not process; and, when it writes, documents that are nested too deeply.
    try:
        document = orjson.loads(body)
        payload = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise InvalidRequestError("body", f"The body must be JSON: {error}.") from None
    if isinstance(document, Mapping):
        document = {**document, "payload": payload}
    return validate(Notification, document)


def own_notification(
    group_key: str, status: Status, alerts: Sequence[Mapping[str, object]]
) -> Notification:
    """Return a notification of the responder's own about alerts in the form of Alertmanager's."""
    document = {
        "version": VERSION,
        "receiver": RECEIVER,
        "status": status,
        "groupKey": group_key,
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "truncatedAlerts": 0,
        "alerts": alerts,
    }
    return parse_notification(orjson.dumps(document))


def adopted_notification(alerts: Iterable[AlertmanagerAlert]) -> Notification:
    """Return the notification about alerts that fire and of which none arrived."""
    return own_notification(
        ADOPTED,
        "firing",
        [
            {
                "status": "firing",
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": alert.starts_at.isoformat(),
                "endsAt": GO_ZERO_TIME,
                "generatorURL": alert.generator_url,
                "fingerprint": alert.fingerprint,
            }
            for alert in alerts
        ],
    )


def _text(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("it must be a non-empty text")
    return value


def _since(value: Any) -> datetime:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):  # not a number, or out of the clock's range
        return parse_rfc3339(value)


def _limit(value: object) -> int:
    # int() accepts digits of every script, underscores and spaces.
    number = int(str(value)) if re.fullmatch("[0-9]{1,8}", str(value)) else 0
    if not 1 <= number <= MAX_LIMIT:
        raise ValueError(f"it must be a whole number from 1 to {MAX_LIMIT}")
    return number


Text = Annotated[str, AfterValidator(_text)]


class Limit(ClosedModel):
    """The maximum number of entries of an answer."""

    limit: Annotated[int, BeforeValidator(_limit)] = DEFAULT_LIMIT


class Filters(Limit):
    """A query: what one alert has to match, and the earliest first delivery."""

    alert: Text | None = None
    status: Status | None = None
    severity: Text | None = None
    service: Text | None = None
    instance: Text | None = None
    since: Annotated[datetime, BeforeValidator(_since)] | None = None


def parse_filters(arguments: Iterable[tuple[str, str]]) -> Filters:
    """Return the filters of a query string; raise `InvalidRequestError` for the first bad one."""
    values: dict[str, str] = {}
    for name, value in arguments:
        if name in values:
            raise InvalidRequestError(name, f"{name} occurs twice.")
        values[name] = value
    return validate(Filters, values)


class NotificationStore:
    """The notifications in a database; every method raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def record(self, notification: Notification, now: datetime) -> tuple[int, bool]:
        """Store a notification or count its repeated delivery, durable on return.

        Returns its id, and whether it had been delivered before.
        """
        with self.database.write() as connection:
            return insert_notification(connection, notification, now)

    def record_change(self, notification: Notification, now: datetime) -> bool:
        """Store a notification unless the newest of its group has the same status.

        A group without notifications counts as resolved. Returns whether it was stored, so that
        only one of several workers reports a change.
        """
        newest = (
            sa.select(notifications.c.status)
            .where(notifications.c.group_key == notification.group_key)
            .order_by(notifications.c.id.desc())
            .limit(1)
        )
        with self.database.write() as connection:
            if notification.status == (connection.execute(newest).scalar() or "resolved"):
                return False
            insert_notification(connection, notification, now)
            return True

    def find(self, filters: Filters) -> list[Row]:
        """Return the notifications that match, newest first, without their payloads."""
        query = sa.select(*SUMMARY).limit(filters.limit)
        columns = filters.model_dump(exclude={"since", "limit"}, exclude_none=True)
        if columns:
            matching = [alerts.c[name] == value for name, value in columns.items()]
            ids = sa.select(alerts.c.notification_id).where(*matching)
            query = query.where(notifications.c.id.in_(ids))
        if filters.since:
            query = query.where(notifications.c.received_at >= format_rfc3339(filters.since))
        return self._find(query)

    def get(self, notification_id: int) -> Row | None:
        """Return a notification with its payload, None if it does not exist."""
        query = sa.select(*SUMMARY, notifications.c.payload)
        rows = self._find(query.where(notifications.c.id == notification_id))
        for row in rows:
            row["payload"] = orjson.loads(row["payload"])
        return rows[0] if rows else None

    def newest(self, group_key: str) -> Row | None:
        """Return the newest notification of a group, None if there is none."""
        query = sa.select(*SUMMARY).where(notifications.c.group_key == group_key)
        return next(iter(self._find(query.limit(1))), None)

    def last_firing(self, alert: str) -> datetime | None:
        """Return when an alert was last received as firing, None if never."""
        ids = sa.select(alerts.c.notification_id).where(
            alerts.c.alert == alert, alerts.c.status == "firing"
        )
        query = sa.select(sa.func.max(notifications.c.last_received_at).label("last"))
        (row,) = self.database.rows(query.where(notifications.c.id.in_(ids)))
        return None if row["last"] is None else parse_rfc3339(row["last"])

    def check_writable(self, now: datetime) -> str | None:
        """Write to the database; return None on success, else a sentence with the reason."""
        try:
            with self.database.write() as connection:
                check = insert(connection, write_checks).values(
                    id=1, checked_at=format_rfc3339(now)
                )
                connection.execute(
                    check.on_conflict_do_update(
                        index_elements=["id"], set_={"checked_at": check.excluded.checked_at}
                    )
                )
        except DatabaseError as error:
            return str(error)
        return None

    def _find(self, query: sa.Select[tuple[object, ...]]) -> list[Row]:
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(notifications.c.id.desc())).mappings()
            found: dict[int, Row] = {row["id"]: {**row, "alerts": []} for row in rows}
            of_found = (
                sa.select(alerts.c.notification_id, *ALERT)
                .where(alerts.c.notification_id.in_(list(found)))
                .order_by(alerts.c.position)
            )
            for row in connection.execute(of_found).mappings():
                alert = dict(row)
                found[alert.pop("notification_id")]["alerts"].append(alert)
        return list(found.values())


def insert_notification(
    connection: sa.Connection, notification: Notification, now: datetime
) -> tuple[int, bool]:
    """Store a notification or count its repeated delivery; return as `NotificationStore.record`."""
    delivery = insert(connection, notifications).values(
        digest=notification.digest,
        status=notification.status,
        receiver=notification.receiver,
        group_key=notification.group_key,
        received_at=format_rfc3339(now),
        last_received_at=format_rfc3339(now),
        payload=notification.payload,
    )
    last, again = notifications.c.last_received_at, delivery.excluded.last_received_at
    notification_id, deliveries = connection.execute(
        delivery.on_conflict_do_update(
            index_elements=["digest"],
            set_={
                "deliveries": notifications.c.deliveries + 1,
                "last_received_at": sa.case((again > last, again), else_=last),
            },
        ).returning(notifications.c.id, notifications.c.deliveries)
    ).one()
    if deliveries == 1:
        rows = [
            {"notification_id": notification_id, "position": position, **_alert_row(alert)}
            for position, alert in enumerate(notification.alerts)
        ]
        connection.execute(sa.insert(alerts), rows)
    for alert in notification.alerts:
        record_alert(connection, alert, alert.status, now)
    retained = format_rfc3339(now - RETENTION)
    old = active_alerts.c.status != "firing", active_alerts.c.last_notified_at < retained
    connection.execute(sa.delete(active_alerts).where(*old))
    return notification_id, deliveries > 1


def _alert_row(alert: Alert) -> Row:
    # To Prometheus an empty label is the same as a missing one.
    columns = {name: alert.labels.get(name) or None for name in ("service", "instance", "severity")}
    return {
        "fingerprint": alert.fingerprint,
        "alert": alert.name,
        "status": alert.status,
        **columns,
        "starts_at": format_rfc3339(alert.starts_at),
        "ends_at": format_rfc3339(alert.ends_at) if alert.ends_at else None,
        "labels": alert.labels,
        "annotations": alert.annotations,
    }


def record_alert(
    connection: sa.Connection, alert: Alert | AlertmanagerAlert, status: Status, now: datetime
) -> bool:
    """Record the state of an alert, in any order and any number of times; return if it was new.

    Besides `firing` and `resolved` there is `lost`: Alertmanager no longer has the alert, and no
    notification resolved it. A lost alert may fire again, because Alertmanager forgets alerts when
    it restarts.
    """
    state = insert(connection, active_alerts).values(
        fingerprint=alert.fingerprint,
        alert=alert.name,
        labels=alert.labels,
        status=status,
        starts_at=format_rfc3339(alert.starts_at),
        last_notified_at=format_rfc3339(now),
    )
    known, new = active_alerts.c, state.excluded
    same_start = known.starts_at == new.starts_at
    result = connection.execute(
        state.on_conflict_do_update(
            index_elements=["fingerprint"],
            set_={
                "status": new.status,
                "starts_at": new.starts_at,
                "last_notified_at": new.last_notified_at,
                "taken_over": sa.case((same_start, known.taken_over), else_=sa.false()),
            },
            # An earlier start is a late notification, and so is `firing` after `resolved`.
            where=(new.starts_at > known.starts_at) | same_start & (known.status != "resolved"),
        )
    )
    return bool(result.rowcount == 1)

-- Notifications and their alerts.
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    receiver TEXT NOT NULL,
    group_key TEXT NOT NULL,
    received_at TEXT NOT NULL,
    last_received_at TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 1,
    payload TEXT NOT NULL
);
CREATE INDEX notifications_by_group ON notifications (group_key);
CREATE INDEX notifications_by_time ON notifications (received_at);
CREATE TABLE alerts (
    notification_id INTEGER NOT NULL REFERENCES notifications (id),
    fingerprint TEXT NOT NULL,
    alert TEXT NOT NULL,
    status TEXT NOT NULL,
    service TEXT,
    instance TEXT,
    severity TEXT,
    starts_at TEXT NOT NULL,
    ends_at TEXT,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL
);
CREATE INDEX alerts_by_notification ON alerts (notification_id);
CREATE INDEX alerts_by_name ON alerts (alert, status, notification_id);
CREATE INDEX alerts_by_status ON alerts (status, notification_id);
CREATE INDEX alerts_by_severity ON alerts (severity, notification_id);
CREATE INDEX alerts_by_service ON alerts (service, notification_id);
CREATE INDEX alerts_by_instance ON alerts (instance, notification_id);
CREATE TABLE write_checks (id INTEGER PRIMARY KEY CHECK (id = 1), checked_at TEXT NOT NULL);

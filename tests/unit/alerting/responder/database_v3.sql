-- A database of schema 3, before the standard names: a row of every code and state.
BEGIN TRANSACTION;
CREATE TABLE actions (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    service TEXT NOT NULL,
    target TEXT NOT NULL,
    instances INTEGER,
    grace REAL,
    reason TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    state TEXT NOT NULL,
    began TEXT NOT NULL,
    ended TEXT,
    said TEXT NOT NULL DEFAULT '',
    resolved TEXT
);
INSERT INTO "actions" VALUES(1,'InstanceHung','f1','restart','web','web-1',NULL,0.0,'it hangs',0,'acting','2026-11-23T10:02:00.000Z',NULL,'',NULL);
INSERT INTO "actions" VALUES(2,'Saturated','f3','scale_out','web','web',3,NULL,'it is full',0,'done','2026-11-23T10:03:00.000Z','2026-11-23T10:03:09.000Z','','2026-11-23T10:04:00.000Z');
INSERT INTO "actions" VALUES(3,'InstanceDown','f5','restart','web','web-2',NULL,NULL,'it is down',0,'failed','2026-11-23T10:04:00.000Z','2026-11-23T10:04:30.000Z','The control API answers 500.',NULL);
INSERT INTO "actions" VALUES(4,'MemoryLeak','f2','restart','web','web-3',NULL,25.0,'it leaks',0,'cancelled','2026-11-23T10:05:00.000Z','2026-11-23T10:05:08.000Z','a human has cancelled it','2026-11-23T10:06:00.000Z');
INSERT INTO "actions" VALUES(5,'InstanceUnready','f6','restart','web','web-4',NULL,25.0,'it lacks something',1,'done','2026-11-23T10:06:00.000Z','2026-11-23T10:06:00.000Z','',NULL);
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
INSERT INTO "alerts" VALUES(1,'f1','InstanceHung','firing','web','web-1','page','2026-11-23T10:00:00.000Z',NULL,'{"alertname":"InstanceHung","service":"web","instance":"web-1","severity":"page"}','{"summary":"web-1 hangs."}');
CREATE TABLE controls (name TEXT PRIMARY KEY, since TEXT NOT NULL);
INSERT INTO "controls" VALUES('paused','2026-11-23T10:07:00.000Z');
INSERT INTO "controls" VALUES('circuit','2026-11-23T10:08:00.000Z');
INSERT INTO "controls" VALUES('counted','2026-11-23T10:01:00.000Z');
CREATE TABLE current (
    fingerprint TEXT PRIMARY KEY,
    alert TEXT NOT NULL,
    labels TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    heard_at TEXT NOT NULL,
    taken_over INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "current" VALUES('f1','InstanceHung','{"alertname":"InstanceHung","service":"web","instance":"web-1"}','firing','2026-11-23T10:00:01.000Z','2026-11-23T10:01:01.000Z',0);
INSERT INTO "current" VALUES('f2','MemoryLeak','{"alertname":"MemoryLeak","service":"web","instance":"web-2"}','firing','2026-11-23T10:00:02.000Z','2026-11-23T10:01:02.000Z',1);
INSERT INTO "current" VALUES('f3','Saturated','{"alertname":"Saturated","service":"web","instance":"web-3"}','resolved','2026-11-23T10:00:03.000Z','2026-11-23T10:01:03.000Z',0);
INSERT INTO "current" VALUES('f4','LbQueueing','{"alertname":"LbQueueing","service":"web","instance":"web-4"}','lost','2026-11-23T10:00:04.000Z','2026-11-23T10:01:04.000Z',0);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    decided_at TEXT NOT NULL,
    alert TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    action TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    action_id INTEGER REFERENCES actions (id)
);
INSERT INTO "decisions" VALUES(1,'2026-11-23T10:02:00.000Z','InstanceHung','f1','web','web-1','restart','acted','it hangs',1);
INSERT INTO "decisions" VALUES(2,'2026-11-23T10:03:00.000Z','Saturated','f3','web','','scale_out','acted','it is full',2);
INSERT INTO "decisions" VALUES(3,'2026-11-23T10:04:00.000Z','InstanceDown','f5','web','web-2','restart','acted','it is down',3);
INSERT INTO "decisions" VALUES(4,'2026-11-23T10:05:00.000Z','MemoryLeak','f2','web','web-3','restart','acted','it leaks',4);
INSERT INTO "decisions" VALUES(5,'2026-11-23T10:06:00.000Z','InstanceUnready','f6','web','web-4','restart','acted','it lacks something',5);
INSERT INTO "decisions" VALUES(6,'2026-11-23T10:10:06.000Z','InstanceHung','f1','web','web-1','none','left_to_a_human','so',NULL);
INSERT INTO "decisions" VALUES(7,'2026-11-23T10:10:07.000Z','InstanceHung','f1','web','web-1','none','budget_is_spent','so',NULL);
INSERT INTO "decisions" VALUES(8,'2026-11-23T10:10:08.000Z','InstanceHung','f1','web','web-1','none','control_is_away','so',NULL);
INSERT INTO "decisions" VALUES(9,'2026-11-23T10:10:09.000Z','InstanceHung','f1','web','web-1','none','at_the_ceiling','so',NULL);
INSERT INTO "decisions" VALUES(10,'2026-11-23T10:10:10.000Z','InstanceHung','f1','web','web-1','none','at_the_floor','so',NULL);
INSERT INTO "decisions" VALUES(11,'2026-11-23T10:10:11.000Z','InstanceHung','f1','web','web-1','none','circuit_is_open','so',NULL);
INSERT INTO "decisions" VALUES(12,'2026-11-23T10:10:12.000Z','InstanceHung','f1','web','web-1','none','is_excused','so',NULL);
INSERT INTO "decisions" VALUES(13,'2026-11-23T10:10:13.000Z','InstanceHung','f1','web','web-1','none','is_paused','so',NULL);
INSERT INTO "decisions" VALUES(14,'2026-11-23T10:10:14.000Z','InstanceHung','f1','web','web-1','none','is_settling_in','so',NULL);
INSERT INTO "decisions" VALUES(15,'2026-11-23T10:10:15.000Z','InstanceHung','f1','web','web-1','none','is_settling_out','so',NULL);
INSERT INTO "decisions" VALUES(16,'2026-11-23T10:10:16.000Z','InstanceHung','f1','web','web-1','none','is_the_last_ready','so',NULL);
INSERT INTO "decisions" VALUES(17,'2026-11-23T10:10:17.000Z','InstanceHung','f1','web','web-1','none','is_too_soon','so',NULL);
INSERT INTO "decisions" VALUES(18,'2026-11-23T10:10:18.000Z','InstanceHung','f1','web','web-1','none','is_unconfirmed','so',NULL);
INSERT INTO "decisions" VALUES(19,'2026-11-23T10:10:19.000Z','InstanceHung','f1','web','web-1','none','is_under_way','so',NULL);
INSERT INTO "decisions" VALUES(20,'2026-11-23T10:10:20.000Z','InstanceHung','f1','web','web-1','none','is_well','so',NULL);
INSERT INTO "decisions" VALUES(21,'2026-11-23T10:10:21.000Z','InstanceHung','f1','web','web-1','none','names_nobody','so',NULL);
INSERT INTO "decisions" VALUES(22,'2026-11-23T10:10:22.000Z','InstanceHung','f1','web','web-1','none','scales_not','so',NULL);
CREATE TABLE drills (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    speed REAL NOT NULL,
    began TEXT NOT NULL,
    ended TEXT NOT NULL,
    times TEXT NOT NULL,
    limits TEXT NOT NULL
);
INSERT INTO "drills" VALUES(1,'InstanceHung','passed','',12.0,'2026-11-23T10:20:00.000Z','2026-11-23T10:20:20.000Z','{"pending": 1.5, "firing": 3.0, "resolved": 5.0}','{"notified": 15.0, "resolved": 15.0}');
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
INSERT INTO "notifications" VALUES(1,'d1','firing','responder','g','2026-11-23T10:00:01.000Z','2026-11-23T10:00:31.000Z',2,'{"alerts":[{"annotations":{"summary":"web-1 hangs."},"endsAt":"0001-01-01T00:00:00Z","fingerprint":"f1","generatorURL":"","labels":{"alertname":"InstanceHung","instance":"web-1","service":"web","severity":"page"},"startsAt":"2026-11-23T10:00:00Z","status":"firing"}],"commonAnnotations":{},"commonLabels":{"alertname":"InstanceHung","instance":"web-1","service":"web","severity":"page"},"externalURL":"","groupKey":"g","groupLabels":{},"receiver":"responder","status":"firing","truncatedAlerts":0,"version":"4"}');
CREATE TABLE write_checks (id INTEGER PRIMARY KEY CHECK (id = 1), checked_at TEXT NOT NULL);
INSERT INTO "write_checks" VALUES(1,'2026-11-23T10:00:05.000Z');
CREATE INDEX notifications_by_group ON notifications (group_key);
CREATE INDEX notifications_by_time ON notifications (received_at);
CREATE INDEX alerts_by_notification ON alerts (notification_id);
CREATE INDEX alerts_by_name ON alerts (alert, status, notification_id);
CREATE INDEX alerts_by_status ON alerts (status, notification_id);
CREATE INDEX alerts_by_severity ON alerts (severity, notification_id);
CREATE INDEX alerts_by_service ON alerts (service, notification_id);
CREATE INDEX alerts_by_instance ON alerts (instance, notification_id);
CREATE INDEX current_by_status ON current (status);
CREATE INDEX actions_by_end ON actions (ended);
CREATE INDEX actions_by_time ON actions (began);
CREATE INDEX decisions_by_alert ON decisions (fingerprint, id);
CREATE INDEX drills_by_alert ON drills (alert, speed);
COMMIT;
PRAGMA user_version = 3;

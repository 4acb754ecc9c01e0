-- The state of each alert, decisions and actions, and the operator's flags.
CREATE TABLE current (
    fingerprint TEXT PRIMARY KEY,
    alert TEXT NOT NULL,
    labels TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    heard_at TEXT NOT NULL,
    taken_over INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX current_by_status ON current (status);
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
CREATE INDEX actions_by_end ON actions (ended);
CREATE INDEX actions_by_time ON actions (began);
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
CREATE INDEX decisions_by_alert ON decisions (fingerprint, id);
CREATE TABLE controls (name TEXT PRIMARY KEY, since TEXT NOT NULL);

-- Drill results. Phases and deadlines are JSON objects, seconds by phase.
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
CREATE INDEX drills_by_alert ON drills (alert, speed);

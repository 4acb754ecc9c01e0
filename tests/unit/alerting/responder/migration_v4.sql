-- How a version before Alembic migrated schema 3 to schema 4.
ALTER TABLE current RENAME TO active_alerts;
ALTER TABLE active_alerts RENAME COLUMN heard_at TO last_notified_at;
DROP INDEX current_by_status;
CREATE INDEX active_alerts_by_status ON active_alerts (status);
ALTER TABLE actions RENAME COLUMN grace TO grace_period;
ALTER TABLE actions RENAME COLUMN began TO started_at;
ALTER TABLE actions RENAME COLUMN ended TO finished_at;
ALTER TABLE actions RENAME COLUMN said TO message;
ALTER TABLE actions RENAME COLUMN resolved TO alert_resolved_at;
UPDATE actions SET state = 'running' WHERE state = 'acting';
CREATE TABLE code_renames (old TEXT PRIMARY KEY, new TEXT NOT NULL);
INSERT INTO code_renames VALUES
    ('acted', 'approved'),
    ('at_the_ceiling', 'max_replicas'),
    ('at_the_floor', 'min_replicas'),
    ('budget_is_spent', 'budget_exhausted'),
    ('circuit_is_open', 'circuit_open'),
    ('control_is_away', 'control_api_unavailable'),
    ('is_excused', 'excluded'),
    ('is_paused', 'paused'),
    ('is_settling_in', 'scale_in_stabilization'),
    ('is_settling_out', 'scale_out_stabilization'),
    ('is_the_last_ready', 'last_ready_replica'),
    ('is_too_soon', 'cooldown'),
    ('is_unconfirmed', 'unconfirmed'),
    ('is_under_way', 'in_progress'),
    ('is_well', 'already_healthy'),
    ('left_to_a_human', 'manual'),
    ('names_nobody', 'no_target'),
    ('scales_not', 'not_scalable');
UPDATE decisions SET code = (SELECT new FROM code_renames WHERE old = code)
WHERE code IN (SELECT old FROM code_renames);
DROP TABLE code_renames;
ALTER TABLE controls RENAME TO operator_flags;
ALTER TABLE operator_flags RENAME COLUMN since TO set_at;
UPDATE operator_flags SET name = 'circuit_open' WHERE name = 'circuit';
UPDATE operator_flags SET name = 'budget_reset' WHERE name = 'counted';
ALTER TABLE drills RENAME TO drill_results;
ALTER TABLE drill_results RENAME COLUMN began TO started_at;
ALTER TABLE drill_results RENAME COLUMN ended TO finished_at;
ALTER TABLE drill_results RENAME COLUMN times TO phase_seconds;
ALTER TABLE drill_results RENAME COLUMN limits TO deadlines;
DROP INDEX drills_by_alert;
CREATE INDEX drill_results_by_alert ON drill_results (alert, speed);

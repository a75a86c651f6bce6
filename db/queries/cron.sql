-- name: cron_upsert_started
INSERT INTO cron_runs AS c (job, started_at) VALUES (%(job)s, clock_timestamp())
ON CONFLICT (job) DO UPDATE SET started_at = excluded.started_at;

-- name: cron_update_finished
UPDATE cron_runs SET finished_at = clock_timestamp(), report = %(report)s::jsonb WHERE job = %(job)s;

-- name: cron_find_now
SELECT clock_timestamp() AS now;

-- name: cron_count_others
-- Connections of this database that do something at this moment, apart from this one.
SELECT count(*) AS active
  FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend';

-- name: health_transitions
-- What waits to be followed up, and since when; reads only the partial index of what is unhandled.
SELECT count(*) AS waiting, extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds
  FROM transitions
 WHERE handled_at IS NULL;

-- name: health_deliveries
-- What waits to be sent and since when it is due, and what was given up within a day; reads the partial index of what is pending
-- and the newest by age.
SELECT count(*) AS waiting,
       extract(epoch FROM now() - min(next_try_at) FILTER (WHERE next_try_at <= now()))::float8 AS oldest_due_seconds,
       (SELECT count(*) FROM deliveries WHERE state = 'dead' AND created_at > now() - interval '2 days'
           AND finished_at > now() - interval '1 day') AS dead_within_a_day
  FROM deliveries
 WHERE state = 'pending';

-- name: health_alerts
-- What was found and is not told yet, and since when the longest could have been, its quiet hours and its channel's digest being
-- over; reads the partial index of what waits.
SELECT count(*) AS waiting,
       extract(epoch FROM now() - min(w.due_at) FILTER (WHERE w.due_at <= now()))::float8 AS oldest_due_seconds
  FROM (SELECT greatest(a.due_at, c.told_at + c.digest_minutes * interval '1 minute') AS due_at
          FROM alerts a
          JOIN channels c ON c.project_id = a.project_id AND c.id = a.channel_id
          JOIN projects p ON p.id = a.project_id AND p.deleted_at IS NULL
         WHERE a.told_at IS NULL AND a.dropped_at IS NULL) w;

-- name: health_analyses
-- How many are to be made, how long the oldest could have begun, and whether the model's provider is left alone for a while.
SELECT count(*) AS waiting, extract(epoch FROM now() - min(a.due_at) FILTER (WHERE a.due_at <= now()))::float8 AS oldest_due_seconds,
       coalesce((SELECT p.paused_until > now() FROM analysis_provider p), false) AS provider_paused
  FROM analyses a
 WHERE a.state IN ('waiting', 'running');

-- name: health_crons
SELECT job, started_at, finished_at, extract(epoch FROM now() - started_at)::float8 AS age_seconds, report
  FROM cron_runs
 ORDER BY job;

-- name: health_partitions
-- For each of the two tables the days that have no partition though events of today and tomorrow may need it, and the last day
-- that has one. events: the day received; event_payloads: the day expiring, by the retentions that projects have.
WITH made AS (
  SELECT h.inhparent::regclass::text AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits h
    JOIN pg_class c ON c.oid = h.inhrelid
   WHERE h.inhparent IN ('events'::regclass, 'event_payloads'::regclass)
), received AS (
  SELECT now() + n * interval '1 day' AS at FROM generate_series(0, 1) AS n
), needed AS (
  SELECT 'events' AS name, (at AT TIME ZONE 'UTC')::date AS day FROM received
   UNION
  SELECT 'event_payloads', expires_on(at, d.retention_days)
    FROM received, (SELECT DISTINCT retention_days FROM projects) d
)
SELECT t.name AS table_name,
       (SELECT max(m.day) FROM made m WHERE m.name = t.name) AS made_until,
       array(SELECT n.day FROM needed n WHERE n.name = t.name
             EXCEPT SELECT m.day FROM made m WHERE m.name = t.name ORDER BY 1 LIMIT 10) AS missing
  FROM (VALUES ('events'), ('event_payloads')) AS t (name);

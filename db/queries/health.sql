-- name: health_transitions
-- What waits to be followed up, and since when; reads only the partial index of what is unhandled.
SELECT count(*) AS waiting, extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds
  FROM transitions
 WHERE handled_at IS NULL;

-- name: health_crons
SELECT job, started_at, finished_at, extract(epoch FROM now() - started_at)::float8 AS age_seconds
  FROM cron_runs
 ORDER BY job;

-- name: health_partitions
-- How far ahead events have a partition to go to. NULL: none at all.
SELECT max(to_date(right(c.relname, 8), 'YYYYMMDD')) AS made_until
  FROM pg_inherits h
  JOIN pg_class c ON c.oid = h.inhrelid
 WHERE h.inhparent = 'events'::regclass;

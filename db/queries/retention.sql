-- name: retention_upsert_partitions
-- Make what events of the coming days need; answers how many partitions were missing.
SELECT make_partitions(today() - 1, today() + %(received_days)s::int,
                       array(SELECT today() + n FROM generate_series(0, %(expiring_days)s::int) AS n
                              UNION
                             SELECT expires_on(now() + n * interval '1 day', d.retention_days)
                               FROM generate_series(0, %(received_days)s::int) AS n,
                                    (SELECT DISTINCT retention_days FROM projects) d)) AS made;

-- name: retention_list_expired
-- The days whose payloads have expired, the oldest first, with their size; rows as far as PostgreSQL has counted them.
SELECT p.day, greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes
  FROM partitions_of('event_payloads') p
  JOIN pg_class c ON c.oid = to_regclass(p.name)
 WHERE p.day < today()
 ORDER BY p.day;

-- name: retention_count_due
-- How many rows the other steps would remove now; looks at all of them, so only somebody at a terminal asks.
SELECT (SELECT count(*) FROM kept_payloads k
         WHERE k.kept_until < today() OR (k.kept_until IS NULL AND NOT is_held(k.project_id, k.fingerprint))) AS kept,
       (SELECT count(*) FROM event_counts c
         WHERE c.hour < now() - make_interval(days => %(counts)s) AND NOT is_held(c.project_id, c.fingerprint)) AS counts,
       (SELECT count(*) FROM projects p JOIN incident_tags t ON t.project_id = p.id
         WHERE t.seen_on < today() - p.retention_days - 1 AND NOT is_held(t.project_id, t.fingerprint)) AS tags,
       (SELECT count(*) FROM projects p JOIN incidents i ON i.project_id = p.id
         WHERE i.last_seen < now() - make_interval(days => greatest(%(incidents)s, p.retention_days) + 31)
           AND i.merged_into IS NULL AND NOT is_project_held(p.id)
           AND NOT EXISTS (SELECT FROM legal_holds h
                            WHERE h.project_id = i.project_id AND h.incident_id = i.id AND h.ended_at IS NULL)
           AND NOT EXISTS (SELECT FROM incident_fingerprints f
                            WHERE f.project_id = i.project_id AND f.incident_id = i.id
                              AND is_held(f.project_id, f.fingerprint))) AS incidents,
       (SELECT count(*) FROM audit_log a
         WHERE a.at < now() - make_interval(days => %(audit)s)
           AND (a.project_id IS NULL OR NOT is_project_held(a.project_id)))
       + (SELECT count(*) FROM audit_refusals r WHERE r.minute < now() - make_interval(days => %(audit)s)) AS audit,
       (SELECT count(*) FROM usage u
         WHERE u.month < date_trunc('month', today() - %(usage)s::int)::date AND NOT is_project_held(u.project_id)) AS usage,
       (SELECT count(*) FROM outcomes o
         WHERE o.hour < now() - make_interval(days => %(outcomes)s) AND NOT is_project_held(o.project_id)) AS outcomes,
       (SELECT count(*) FROM invitations i
         WHERE least(i.accepted_at, i.revoked_at, i.expires_at) < now() - make_interval(days => %(invitations)s)) AS invitations,
       (SELECT count(*) FROM idempotency_keys k WHERE k.created_at < clock_timestamp() - %(lifetime)s::interval)
       + (SELECT count(*) FROM clerk_messages m
           WHERE m.received_at < clock_timestamp() - make_interval(hours => %(hours)s)) AS answers,
       (SELECT count(*) FROM erasures e WHERE e.finished_at IS NULL) AS erasures;

-- name: retention_delete_payloads
-- See db/migrations/0050_retention.sql for its guarantees.
SELECT row_count, bytes FROM prune_payloads(%(day)s);

-- name: retention_find
SELECT p.retention_days, NOT EXISTS (
         SELECT FROM retention_changes c WHERE c.project_id = p.id AND c.finished_at IS NULL) AS applied
  FROM projects p
 WHERE p.id = %(project_id)s AND p.deleted_at IS NULL;

-- name: retention_count_effect
-- Payloads of a project as they are stored, and those of them that another retention would have removed by now.
SELECT count(*) AS stored_rows, coalesce(sum(octet_length(payload)), 0)::bigint AS stored_bytes,
       count(*) FILTER (WHERE expires_on(received_at, %(retention_days)s) < today()) AS removed_rows,
       coalesce(sum(octet_length(payload)) FILTER (WHERE expires_on(received_at, %(retention_days)s) < today()), 0)::bigint
           AS removed_bytes
  FROM event_payloads
 WHERE project_id = %(project_id)s AND expires_on >= (now() AT TIME ZONE 'UTC')::date;

-- name: retention_update_days
-- Answers what it was before.
UPDATE projects p SET retention_days = %(retention_days)s
  FROM (SELECT id, retention_days FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL FOR NO KEY UPDATE) was
 WHERE p.id = was.id
RETURNING was.retention_days;

-- name: retention_upsert_change
-- From the oldest day of which there is anything; a change that was under way begins anew.
INSERT INTO retention_changes AS c (project_id, next_day)
SELECT %(project_id)s, coalesce(min(day), today()) FROM partitions_of('events')
ON CONFLICT (project_id)
DO UPDATE SET next_day = excluded.next_day, requested_at = excluded.requested_at, finished_at = NULL
RETURNING project_id;

-- name: retention_list_changes
-- Projects whose retention has not reached all that is stored, those first that wait longest.
SELECT project_id, requested_at, next_day FROM retention_changes WHERE finished_at IS NULL ORDER BY requested_at LIMIT 1000;

-- name: retention_update_payloads
-- See db/migrations/0051_keeping.sql for its guarantees.
SELECT apply_retention(%(project_id)s, %(max_rows)s) AS moved;

-- name: retention_update_held
SELECT keep_held_payloads(%(day)s, %(max_rows)s) AS removed;

-- name: retention_delete_kept
WITH gone AS (
  DELETE FROM kept_payloads
   WHERE ctid = ANY (array(
           SELECT ctid FROM kept_payloads
            WHERE kept_until < today() OR (kept_until IS NULL AND NOT is_held(project_id, fingerprint))
            LIMIT %(max_rows)s))
  RETURNING 1
)
SELECT count(*) AS removed FROM gone;

-- name: retention_list_received
-- Days received of which light rows are older than is kept, the oldest first, with their size.
SELECT p.day, greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes
  FROM partitions_of('events') p
  JOIN pg_class c ON c.oid = to_regclass(p.name)
 WHERE p.day < today() - %(days)s::int
 ORDER BY p.day;

-- name: retention_delete_events
SELECT prune_events(%(day)s, %(max_rows)s) AS removed;

-- name: retention_delete_counts
SELECT seen, removed FROM prune_counts(now() - make_interval(days => %(days)s), %(max_rows)s);

-- name: retention_delete_tags
SELECT prune_tags(%(max_rows)s) AS removed;

-- name: retention_delete_incidents
SELECT prune_incidents(%(days)s, %(max_rows)s) AS removed;

-- name: retention_delete_audit
SELECT prune_audit(now() - make_interval(days => %(days)s), %(max_rows)s) AS removed;

-- name: retention_delete_refusals
SELECT prune_refusals(now() - make_interval(days => %(days)s), %(max_rows)s) AS removed;

-- name: retention_delete_usage
SELECT prune_usage(today() - %(days)s::int, %(max_rows)s) AS removed;

-- name: retention_delete_outcomes
SELECT prune_outcomes(now() - make_interval(days => %(days)s), %(max_rows)s) AS removed;

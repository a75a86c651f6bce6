-- name: channel_list
-- A project's channels, the oldest first. is_confirmed: mail may go to its address, which a member has or somebody has confirmed.
SELECT c.id, c.kind, c.name, c.target, c.digest_minutes, c.hourly_max, c.muted_until, c.failing_since, c.disabled_at,
       c.disabled_reason, c.created_at,
       c.kind <> 'email' OR c.target IS NULL
       OR EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                   WHERE m.workspace_id = p.workspace_id AND lower(pe.email) = lower(c.target ->> 'address'))
       OR EXISTS (SELECT FROM addresses a WHERE a.workspace_id = p.workspace_id AND a.address = lower(c.target ->> 'address')
                     AND a.confirmed_at IS NOT NULL) AS is_confirmed
  FROM channels c
  JOIN projects p ON p.id = c.project_id
 WHERE c.project_id = %(project_id)s AND (%(channel_id)s::bigint IS NULL OR c.id = %(channel_id)s)
 ORDER BY c.id;

-- name: channel_insert
INSERT INTO channels (project_id, kind, name, target, digest_minutes, hourly_max, muted_until, created_by)
VALUES (%(project_id)s, %(kind)s, %(name)s, %(target)s::jsonb, %(digest_minutes)s, %(hourly_max)s, %(muted_until)s,
        %(person_id)s::bigint)
RETURNING id;

-- name: channel_update
-- Switched on again, it begins without its failures.
UPDATE channels
   SET name = %(name)s, target = %(target)s::jsonb, digest_minutes = %(digest_minutes)s, hourly_max = %(hourly_max)s,
       muted_until = %(muted_until)s,
       disabled_at = CASE WHEN %(is_enabled)s THEN NULL ELSE coalesce(disabled_at, clock_timestamp()) END,
       disabled_reason = CASE WHEN NOT %(is_enabled)s THEN coalesce(disabled_reason, 'Switched off by hand.') END,
       failures = CASE WHEN disabled_at IS NOT NULL AND %(is_enabled)s THEN 0 ELSE failures END,
       failing_since = CASE WHEN disabled_at IS NOT NULL AND %(is_enabled)s THEN NULL ELSE failing_since END
 WHERE project_id = %(project_id)s AND id = %(channel_id)s;

-- name: channel_delete
-- What waits for it is cancelled with it.
WITH ended AS (
  UPDATE deliveries
     SET state = 'cancelled', next_try_at = NULL, leased_until = NULL, finished_at = clock_timestamp(), content = NULL
   WHERE project_id = %(project_id)s AND channel_id = %(channel_id)s AND state = 'pending'
)
DELETE FROM channels WHERE project_id = %(project_id)s AND id = %(channel_id)s;

-- name: channel_count_tests
SELECT count(*) AS made FROM deliveries
 WHERE project_id = %(project_id)s AND channel_id = %(channel_id)s AND purpose = 'test'
   AND created_at > clock_timestamp() - interval '1 hour';

-- name: channel_find_names
SELECT p.workspace_id, p.name AS project_name, w.name AS workspace_name
  FROM projects p
  JOIN workspaces w ON w.id = p.workspace_id
 WHERE p.id = %(project_id)s;

-- name: channel_list
-- A project's channels, the oldest first. is_confirmed: mail may go to its address, which a member has or somebody has confirmed.
-- receiver_count: how many addresses its mails go to, without those that have ended them; null for what is no mail. ended_by_you:
-- the person's own address would get them, and has ended them.
SELECT c.id, c.kind, c.name, c.target, c.digest_minutes, c.hourly_max, c.muted_until, c.failing_since, c.disabled_at,
       c.disabled_reason, c.created_at, y.is_confirmed, CASE WHEN c.kind = 'email' THEN t.receiver_count END AS receiver_count,
       t.ended_by_you
  FROM channels c
  JOIN projects p ON p.id = c.project_id
 CROSS JOIN LATERAL (
       SELECT c.kind <> 'email' OR c.target IS NULL
              OR EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                          WHERE m.workspace_id = p.workspace_id AND lower(pe.email) = lower(c.target ->> 'address'))
              OR EXISTS (SELECT FROM addresses a
                          WHERE a.workspace_id = p.workspace_id AND a.address = lower(c.target ->> 'address')
                            AND a.confirmed_at IS NOT NULL) AS is_confirmed) y
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE r.unsubscribed_at IS NULL) AS receiver_count,
              coalesce(bool_or(r.unsubscribed_at IS NOT NULL AND r.address = lower(you.email)), false) AS ended_by_you
         FROM (SELECT DISTINCT lower(pe.email) AS address
                 FROM members m
                 JOIN people pe ON pe.id = m.person_id
                WHERE c.target IS NULL AND m.workspace_id = p.workspace_id AND m.role = 'owner' AND pe.email IS NOT NULL
                UNION ALL
               SELECT lower(c.target ->> 'address') WHERE y.is_confirmed AND c.target ? 'address') w
         LEFT JOIN recipients r ON r.project_id = c.project_id AND r.channel_id = c.id AND r.address = w.address
         LEFT JOIN people you ON you.id = %(person_id)s::bigint) t
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
       disabled_reason = CASE WHEN NOT %(is_enabled)s THEN coalesce(disabled_reason, %(reason)s) END,
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

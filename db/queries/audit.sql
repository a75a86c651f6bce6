-- name: audit_insert
INSERT INTO audit_log (workspace_id, project_id, actor_kind, actor_id, action, object_id, before, after, address)
VALUES (%(workspace_id)s, %(project_id)s, %(actor_kind)s, %(actor_id)s, %(action)s, %(object_id)s, %(before)s::jsonb,
        %(after)s::jsonb, %(address)s);

-- name: audit_upsert_refusal
-- One row for each actor, action and minute, by the database's clock; it counts the attempts and keeps the first one's object.
INSERT INTO audit_refusals AS r (workspace_id, minute, actor_kind, actor_id, action, project_id, object_id, address)
VALUES (%(workspace_id)s, date_trunc('minute', clock_timestamp()), %(actor_kind)s, %(actor_id)s, %(action)s, %(project_id)s,
        %(object_id)s, %(address)s)
ON CONFLICT (workspace_id, minute, actor_kind, actor_id, action) DO UPDATE SET attempts = r.attempts + 1;

-- name: audit_list
-- The newest first, by the primary key. project_id: null for the whole workspace. Names are of people who are still known.
SELECT a.id, a.at, a.project_id, a.actor_kind, a.actor_id, p.name AS actor_name, a.action, a.object_id, a.before, a.after,
       a.address
  FROM audit_log a
  LEFT JOIN people p ON a.actor_kind = 'person' AND p.id = a.actor_id
 WHERE a.workspace_id = %(workspace_id)s
   AND (%(project_id)s::bigint IS NULL OR a.project_id = %(project_id)s)
   AND (%(after_id)s::bigint IS NULL OR a.id < %(after_id)s)
   AND (%(actor_kind)s::text IS NULL OR a.actor_kind = %(actor_kind)s)
   AND (%(actor_id)s::bigint IS NULL OR a.actor_id = %(actor_id)s)
   AND (%(action)s::text IS NULL OR a.action LIKE %(action)s)
   AND (%(object_id)s::text IS NULL OR a.object_id = %(object_id)s)
   AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s)
 ORDER BY a.id DESC
 LIMIT %(limit)s;

-- name: audit_list_refusals
-- As audit_list, of attempts that were refused, by the primary key.
SELECT r.minute, r.project_id, r.actor_kind, r.actor_id, p.name AS actor_name, r.action, r.object_id, r.address, r.attempts
  FROM audit_refusals r
  LEFT JOIN people p ON r.actor_kind = 'person' AND p.id = r.actor_id
 WHERE r.workspace_id = %(workspace_id)s
   AND (%(project_id)s::bigint IS NULL OR r.project_id = %(project_id)s)
   AND (%(after)s::timestamptz IS NULL
        OR (r.minute, r.actor_kind, r.actor_id, r.action) < (%(after)s, %(after_kind)s, %(after_actor)s, %(after_action)s))
   AND (%(actor_kind)s::text IS NULL OR r.actor_kind = %(actor_kind)s)
   AND (%(actor_id)s::bigint IS NULL OR r.actor_id = %(actor_id)s)
   AND (%(action)s::text IS NULL OR r.action LIKE %(action)s)
   AND (%(object_id)s::text IS NULL OR r.object_id = %(object_id)s)
   AND (%(since)s::timestamptz IS NULL OR r.minute >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR r.minute < %(until)s)
 ORDER BY r.minute DESC, r.actor_kind DESC, r.actor_id DESC, r.action DESC
 LIMIT %(limit)s;

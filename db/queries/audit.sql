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

-- name: audit_insert
INSERT INTO audit_log (workspace_id, project_id, actor_kind, actor_id, action, object_id, before, after, address)
VALUES (%(workspace_id)s, %(project_id)s, %(actor_kind)s, %(actor_id)s, %(action)s, %(object_id)s, %(before)s::jsonb,
        %(after)s::jsonb, %(address)s);

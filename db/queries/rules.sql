-- name: rules_find
SELECT version, rules, updated_at, updated_by
  FROM project_rules
 WHERE project_id = %(project_id)s AND kind = %(kind)s;

-- name: rules_lock_project
-- Whoever changes rules of a project waits here for those who are at it.
SELECT FROM projects WHERE id = %(project_id)s FOR NO KEY UPDATE;

-- name: rules_upsert
INSERT INTO project_rules AS r (project_id, kind, version, rules, updated_by)
VALUES (%(project_id)s, %(kind)s, 1, %(rules)s::jsonb, %(person_id)s)
ON CONFLICT (project_id, kind)
DO UPDATE SET version = r.version + 1, rules = excluded.rules, updated_at = now(), updated_by = excluded.updated_by
RETURNING version, rules, updated_at, updated_by;

-- name: rules_find_hash_key
-- The key under which the project's workspace counts people.
SELECT w.person_hash_key
  FROM projects p
  JOIN workspaces w ON w.id = p.workspace_id
 WHERE p.id = %(project_id)s;

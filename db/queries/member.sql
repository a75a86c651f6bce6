-- name: member_find_by_project
-- At most one row. A person of another workspace gets none, as if the project did not exist; so does
-- everybody where it has been deleted.
SELECT p.workspace_id, p.id AS project_id, pe.id AS person_id, m.role
  FROM projects p
  JOIN members m ON m.workspace_id = p.workspace_id
  JOIN people pe ON pe.id = m.person_id
 WHERE p.id = %(project_id)s AND p.deleted_at IS NULL AND pe.clerk_user_id = %(clerk_user_id)s;

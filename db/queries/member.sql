-- name: member_find_by_project
-- At most one row: the project's workspace, and the person's place in it. role is null for somebody who has none there,
-- person_id too where Sensra does not know them; no row where there is no such project. deleted: true asks for one that has been
-- deleted and is not gone yet, false for one that has not.
SELECT p.workspace_id, p.id AS project_id, pe.id AS person_id, m.role
  FROM projects p
  LEFT JOIN people pe ON pe.clerk_user_id = %(clerk_user_id)s
  LEFT JOIN members m ON m.workspace_id = p.workspace_id AND m.person_id = pe.id
 WHERE p.id = %(project_id)s AND (p.deleted_at IS NOT NULL) = %(deleted)s;

-- name: member_find_by_workspace
-- As member_find_by_project, of a workspace.
SELECT w.id AS workspace_id, null::bigint AS project_id, pe.id AS person_id, m.role
  FROM workspaces w
  LEFT JOIN people pe ON pe.clerk_user_id = %(clerk_user_id)s
  LEFT JOIN members m ON m.workspace_id = w.id AND m.person_id = pe.id
 WHERE w.id = %(workspace_id)s AND (w.deleted_at IS NOT NULL) = %(deleted)s;

-- name: member_find_person
SELECT role FROM members WHERE workspace_id = %(workspace_id)s AND person_id = %(person_id)s;

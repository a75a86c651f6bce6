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

-- name: member_lock_workspace
-- Whoever changes who is in a workspace waits here for those who are at it: the last owner cannot be lost between two of them.
SELECT FROM workspaces WHERE id = %(workspace_id)s FOR NO KEY UPDATE;

-- name: member_list_by_workspace
-- In the order of their joining, by the primary key of those few rows.
SELECT m.person_id, m.role, m.created_at, p.name, p.email
  FROM members m
  JOIN people p ON p.id = m.person_id
 WHERE m.workspace_id = %(workspace_id)s AND (%(after)s::bigint IS NULL OR m.person_id > %(after)s)
 ORDER BY m.person_id
 LIMIT %(limit)s;

-- name: member_find
SELECT m.person_id, m.role, m.created_at, p.name, p.email
  FROM members m
  JOIN people p ON p.id = m.person_id
 WHERE m.workspace_id = %(workspace_id)s AND m.person_id = %(person_id)s;

-- name: member_count_owners
SELECT count(*) AS owners FROM members WHERE workspace_id = %(workspace_id)s AND role = 'owner';

-- name: member_insert
-- No row where they are a member already.
INSERT INTO members (workspace_id, person_id, role)
VALUES (%(workspace_id)s, %(person_id)s, %(role)s)
ON CONFLICT DO NOTHING
RETURNING person_id;

-- name: member_update_role
UPDATE members SET role = %(role)s WHERE workspace_id = %(workspace_id)s AND person_id = %(person_id)s;

-- name: member_delete
-- What waits to be tried again goes to them no more, unless their address was confirmed for messages by itself.
WITH gone AS (
  DELETE FROM members WHERE workspace_id = %(workspace_id)s AND person_id = %(person_id)s RETURNING workspace_id, person_id
)
UPDATE deliveries d
   SET state = 'cancelled', next_try_at = NULL, leased_until = NULL, finished_at = clock_timestamp(), content = NULL
  FROM gone g
  JOIN people p ON p.id = g.person_id
 WHERE d.workspace_id = g.workspace_id AND d.state = 'pending' AND lower(d.recipient) = lower(p.email)
   AND NOT EXISTS (SELECT FROM addresses a
                    WHERE a.workspace_id = d.workspace_id AND a.address = d.recipient AND a.confirmed_at IS NOT NULL);

-- name: person_find_by_clerk
SELECT id, email, name FROM people WHERE clerk_user_id = %(clerk_user_id)s;

-- name: person_insert
-- No row where somebody else was quicker.
INSERT INTO people (clerk_user_id, email, name)
VALUES (%(clerk_user_id)s, %(email)s, %(name)s)
ON CONFLICT (clerk_user_id) DO NOTHING
RETURNING id, email, name;

-- name: person_update
-- What the sign-in service tells of a person; what it does not tell stays.
UPDATE people
   SET email = coalesce(%(email)s, email), name = coalesce(%(name)s, name)
 WHERE clerk_user_id = %(clerk_user_id)s
RETURNING id, email, name;

-- name: person_list_projects
-- One row a project that the person can reach; a workspace without projects, and a person without workspaces, have one too.
SELECT pe.id AS person_id, pe.name AS person_name, pe.email AS person_email, w.id AS workspace_id, w.slug AS workspace_slug,
       w.name AS workspace_name, m.role, p.id AS project_id, p.slug AS project_slug, p.name AS project_name
  FROM people pe
  LEFT JOIN (members m JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL) ON m.person_id = pe.id
  LEFT JOIN projects p ON p.workspace_id = w.id AND p.deleted_at IS NULL
 WHERE pe.id = %(person_id)s
 ORDER BY w.name, w.id, p.name, p.id;

-- name: person_find
SELECT id, email, name FROM people WHERE id = %(person_id)s;

-- name: workspace_insert
-- A slug that is or ever was another workspace's raises a unique violation.
INSERT INTO workspaces (slug, name)
VALUES (%(slug)s, %(name)s)
RETURNING id, slug, name, created_at;

-- name: workspace_insert_owner
INSERT INTO members (workspace_id, person_id, role)
VALUES (%(workspace_id)s, %(person_id)s, 'owner');

-- name: workspace_list_by_person
-- All workspaces of a person that are there, by name.
SELECT w.id, w.slug, w.name, w.created_at, m.role
  FROM members m
  JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
 WHERE m.person_id = %(person_id)s AND (%(after_id)s::bigint IS NULL OR (w.name, w.id) > (%(after)s, %(after_id)s))
 ORDER BY w.name, w.id
 LIMIT %(limit)s;

-- name: workspace_count_owned
-- Deleted ones too, until they are gone: making and deleting in turns gets round no limit.
SELECT count(*) AS owned FROM members WHERE person_id = %(person_id)s AND role = 'owner';

-- name: workspace_count_slugs
-- Those it has had, the present one included; is_own: whether this is one of them.
SELECT count(*) AS slugs, coalesce(bool_or(slug = %(slug)s), false) AS is_own
  FROM workspace_slugs
 WHERE workspace_id = %(workspace_id)s;

-- name: workspace_find
SELECT id, slug, name, created_at FROM workspaces WHERE id = %(workspace_id)s AND deleted_at IS NULL;

-- name: workspace_lock
SELECT id, slug, name, created_at FROM workspaces WHERE id = %(workspace_id)s AND deleted_at IS NULL FOR NO KEY UPDATE;

-- name: workspace_update
-- A slug that is or ever was another workspace's raises a unique violation.
UPDATE workspaces
   SET name = %(name)s, slug = %(slug)s
 WHERE id = %(workspace_id)s
RETURNING id, slug, name, created_at;

-- name: workspace_find_by_slug
-- By the slug it has or once had; only where the person is a member.
SELECT w.id, w.slug, w.name, w.created_at, m.role
  FROM workspace_slugs s
  JOIN workspaces w ON w.id = s.workspace_id AND w.deleted_at IS NULL
  JOIN members m ON m.workspace_id = w.id AND m.person_id = %(person_id)s
 WHERE s.slug = %(slug)s;

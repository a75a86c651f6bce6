-- name: project_list_by_workspace
-- Those that are there, by id.
SELECT id, workspace_id, slug, name, repository, retention_days, created_at
  FROM projects
 WHERE workspace_id = %(workspace_id)s AND deleted_at IS NULL AND (%(after_id)s::bigint IS NULL OR id > %(after_id)s)
 ORDER BY id
 LIMIT %(limit)s;

-- name: project_count_by_workspace
-- Deleted ones too, until they are gone: making and deleting in turns gets round no limit.
SELECT count(*) AS projects FROM projects WHERE workspace_id = %(workspace_id)s;

-- name: project_count_slugs
-- As workspace_count_slugs.
SELECT count(*) AS slugs, coalesce(bool_or(slug = %(slug)s), false) AS is_own
  FROM project_slugs
 WHERE workspace_id = %(workspace_id)s AND project_id = %(project_id)s;

-- name: project_find
SELECT id, workspace_id, slug, name, repository, retention_days, created_at
  FROM projects
 WHERE id = %(project_id)s AND deleted_at IS NULL;

-- name: project_lock
SELECT id, workspace_id, slug, name, repository, retention_days, created_at
  FROM projects
 WHERE id = %(project_id)s AND deleted_at IS NULL
   FOR NO KEY UPDATE;

-- name: project_insert
-- A slug that is or ever was another project's of the workspace raises a unique violation.
INSERT INTO projects (workspace_id, slug, name)
VALUES (%(workspace_id)s, %(slug)s, %(name)s)
RETURNING id, workspace_id, slug, name, repository, retention_days, created_at;

-- name: project_update
-- As project_insert.
UPDATE projects
   SET name = %(name)s, slug = %(slug)s, repository = %(repository)s
 WHERE id = %(project_id)s
RETURNING id, workspace_id, slug, name, repository, retention_days, created_at;

-- name: project_find_by_slug
-- By the slug it has or once had in its workspace.
SELECT p.id, p.workspace_id, p.slug, p.name, p.repository, p.retention_days, p.created_at
  FROM project_slugs s
  JOIN projects p ON p.workspace_id = s.workspace_id AND p.id = s.project_id AND p.deleted_at IS NULL
 WHERE s.workspace_id = %(workspace_id)s AND s.slug = %(slug)s;

-- name: deletion_update_project
-- Deleted by now, or not there: no row.
UPDATE projects SET deleted_at = clock_timestamp()
 WHERE id = %(project_id)s AND deleted_at IS NULL
RETURNING workspace_id, slug, deleted_at, deleted_at + interval '7 days' AS gone_after;

-- name: deletion_update_project_restored
-- Only within the seven days, and only where its workspace is there.
UPDATE projects p SET deleted_at = NULL
  FROM workspaces w
 WHERE p.id = %(project_id)s AND w.id = p.workspace_id AND w.deleted_at IS NULL
   AND p.deleted_at >= now() - interval '7 days'
RETURNING p.id AS project_id, p.slug, p.name;

-- name: deletion_update_workspace
WITH gone AS (
  UPDATE workspaces SET deleted_at = clock_timestamp()
   WHERE id = %(workspace_id)s AND deleted_at IS NULL
  RETURNING id, slug, deleted_at
), projects_too AS (
  UPDATE projects p SET deleted_at = g.deleted_at FROM gone g WHERE p.workspace_id = g.id AND p.deleted_at IS NULL
)
SELECT slug, deleted_at, deleted_at + interval '7 days' AS gone_after FROM gone;

-- name: deletion_update_workspace_restored
-- With the projects that were deleted with it, not with those that had been deleted before.
WITH was AS (
  SELECT id, deleted_at FROM workspaces
   WHERE id = %(workspace_id)s AND deleted_at >= now() - interval '7 days' FOR NO KEY UPDATE
), back AS (
  UPDATE workspaces w SET deleted_at = NULL FROM was WHERE w.id = was.id RETURNING w.id, w.slug, w.name
), projects_too AS (
  UPDATE projects p SET deleted_at = NULL FROM was WHERE p.workspace_id = was.id AND p.deleted_at = was.deleted_at
)
SELECT id AS workspace_id, slug, name FROM back;

-- name: deletion_list_by_workspace
-- A workspace's deleted projects that can still be brought back, those deleted last first.
SELECT p.id AS project_id, p.slug, p.name, p.deleted_at, p.deleted_at + interval '7 days' AS gone_after
  FROM projects p
 WHERE p.workspace_id = %(workspace_id)s AND p.deleted_at >= now() - interval '7 days'
 ORDER BY p.deleted_at DESC;

-- name: deletion_list_held
-- Holds that last, in a workspace.
SELECT h.project_id, h.id
  FROM projects p
  JOIN legal_holds h ON h.project_id = p.id AND h.ended_at IS NULL
 WHERE p.workspace_id = %(workspace_id)s
 LIMIT 1;

-- name: deletion_list_due
-- Projects whose seven days are over, unless something of them is held; those deleted first first.
SELECT p.id AS project_id FROM projects p
 WHERE p.deleted_at < now() - interval '7 days'
   AND NOT EXISTS (SELECT FROM legal_holds h WHERE h.project_id = p.id AND h.ended_at IS NULL)
 ORDER BY p.deleted_at LIMIT 1000;

-- name: deletion_list_due_workspaces
-- Those without projects by now.
SELECT w.id AS workspace_id FROM workspaces w
 WHERE w.deleted_at < now() - interval '7 days' AND NOT EXISTS (SELECT FROM projects p WHERE p.workspace_id = w.id)
 ORDER BY w.deleted_at LIMIT 1000;

-- name: deletion_delete_rows
-- See db/migrations/0052_deletion.sql for its guarantees.
SELECT purge_rows(%(owner)s, %(id)s, %(max_rows)s) AS removed;

-- name: deletion_update_trail
SELECT purge_trail(%(project_id)s, %(max_rows)s) AS removed;

-- name: deletion_delete_project
SELECT purge_project(%(project_id)s) AS gone;

-- name: deletion_delete_workspace
SELECT purge_workspace(%(workspace_id)s) AS gone;

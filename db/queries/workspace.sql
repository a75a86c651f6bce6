-- name: workspace_insert
-- A slug that is or ever was another workspace's raises a unique violation.
INSERT INTO workspaces (slug, name)
VALUES (%(slug)s, %(name)s)
RETURNING id, slug, name, created_at;

-- name: workspace_insert_owner
INSERT INTO members (workspace_id, person_id, role)
VALUES (%(workspace_id)s, %(person_id)s, 'owner');

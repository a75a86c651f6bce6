-- name: view_list
-- All of a project's: lib/views.py bounds their number.
SELECT v.id, v.name, v.query, v.sort, v.created_at, v.created_by, p.name AS created_by_name
  FROM saved_views v
  LEFT JOIN people p ON p.id = v.created_by
 WHERE v.project_id = %(project_id)s
 ORDER BY v.name;

-- name: view_insert
-- No row where the project has its fill.
WITH made AS (
  INSERT INTO saved_views (project_id, name, query, sort, created_by)
  SELECT %(project_id)s, %(name)s, %(query)s, %(sort)s, %(person_id)s
   WHERE (SELECT count(*) FROM saved_views WHERE project_id = %(project_id)s) < %(max)s
  RETURNING id, name, query, sort, created_at, created_by
)
SELECT made.*, p.name AS created_by_name FROM made LEFT JOIN people p ON p.id = made.created_by;

-- name: view_delete
DELETE FROM saved_views WHERE project_id = %(project_id)s AND id = %(view_id)s RETURNING name, query;

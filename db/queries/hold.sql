-- name: hold_lock_project
-- Whoever merges or splits incidents waits for whoever places a hold, and the other way round.
SELECT FROM projects WHERE id = %(project_id)s FOR NO KEY UPDATE;

-- name: hold_insert
INSERT INTO legal_holds (project_id, incident_id, reason, placed_by)
VALUES (%(project_id)s, %(incident_id)s, %(reason)s, %(person_id)s)
RETURNING id, incident_id, reason, placed_by, placed_at, ended_by, ended_at;

-- name: hold_update_ended
UPDATE legal_holds SET ended_at = clock_timestamp(), ended_by = %(person_id)s
 WHERE project_id = %(project_id)s AND id = %(hold_id)s AND ended_at IS NULL
RETURNING id, incident_id, reason, placed_by, placed_at, ended_by, ended_at;

-- name: hold_list
-- Those that last first, then the newest. after: 1 where the page before ended with one that lasts, else 0.
SELECT id, incident_id, reason, placed_by, placed_at, ended_by, ended_at
  FROM legal_holds
 WHERE project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR ((ended_at IS NULL)::int, id) < (%(after)s::int, %(after_id)s))
 ORDER BY (ended_at IS NULL)::int DESC, id DESC
 LIMIT %(limit)s;

-- name: hold_find_lasting
SELECT id FROM legal_holds WHERE project_id = %(project_id)s AND ended_at IS NULL LIMIT 1;

-- name: limits_find_by_project
SELECT events_per_minute_max, fingerprints_per_minute_max, payloads_per_day, spike_factor
  FROM projects
 WHERE id = %(project_id)s;

-- name: limits_lock_project
-- The same, for whoever changes them next.
SELECT events_per_minute_max, fingerprints_per_minute_max, payloads_per_day, spike_factor
  FROM projects
 WHERE id = %(project_id)s
   FOR NO KEY UPDATE;

-- name: limits_update_project
UPDATE projects
   SET events_per_minute_max = %(events_per_minute_max)s, fingerprints_per_minute_max = %(fingerprints_per_minute_max)s,
       payloads_per_day = %(payloads_per_day)s, spike_factor = %(spike_factor)s
 WHERE id = %(project_id)s;

-- name: limits_find_by_workspace
SELECT events_per_month_max FROM workspaces WHERE id = %(workspace_id)s;

-- name: limits_update_workspace
-- Answers what was before.
UPDATE workspaces w
   SET events_per_month_max = %(events_per_month_max)s
  FROM (SELECT id, events_per_month_max FROM workspaces WHERE id = %(workspace_id)s FOR NO KEY UPDATE) was
 WHERE w.id = was.id
RETURNING was.events_per_month_max;

-- name: outcome_upsert_counts
-- What an instance has counted of events that were not stored; those of projects that are gone meanwhile are let go.
INSERT INTO outcomes AS o (project_id, hour, key_id, outcome, reason, shard, event_count)
SELECT c.project_id, c.hour, c.key_id, c.outcome, c.reason, shard(), c.event_count
  FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (project_id bigint, hour timestamptz, key_id bigint, outcome text, reason text,
                                                   event_count bigint)
  JOIN projects p ON p.id = c.project_id
 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (project_id, hour, key_id, outcome, reason, shard)
    DO UPDATE SET event_count = o.event_count + excluded.event_count;

-- name: outcome_insert_samples
-- Adds some and lets the oldest go, so that a project has samples_max beside those just added.
WITH given AS (
  SELECT s.*
    FROM jsonb_to_recordset(%(samples)s::jsonb) AS s (project_id bigint, at timestamptz, key_id bigint, outcome text, reason text,
                                                      detail text, event_count bigint)
    JOIN projects p ON p.id = s.project_id
), trimmed AS (
  DELETE FROM outcome_samples o
   USING (SELECT DISTINCT project_id FROM given) g
   WHERE o.project_id = g.project_id
     AND o.id <= (SELECT k.id FROM outcome_samples k WHERE k.project_id = g.project_id
                   ORDER BY k.id DESC OFFSET %(samples_max)s LIMIT 1)
)
INSERT INTO outcome_samples (project_id, at, key_id, outcome, reason, detail, event_count)
SELECT project_id, at, key_id, outcome, reason, detail, event_count FROM given ORDER BY at;

-- name: outcome_list_by_hour
-- The oldest hour first; hours in which nothing came are not there.
SELECT hour, outcome, sum(event_count)::bigint AS event_count
  FROM outcomes
 WHERE project_id = %(project_id)s AND hour >= %(since)s
 GROUP BY hour, outcome
 ORDER BY hour, outcome;

-- name: outcome_list_by_reason
-- The most frequent first. A key that has no name any more is told by its id.
SELECT o.outcome, o.reason, o.key_id, k.name AS key_name, sum(o.event_count)::bigint AS event_count, max(o.hour) AS last_hour
  FROM outcomes o
  LEFT JOIN keys k ON k.project_id = o.project_id AND k.id = o.key_id
 WHERE o.project_id = %(project_id)s AND o.hour >= %(since)s
 GROUP BY o.outcome, o.reason, o.key_id, k.name
 ORDER BY 5 DESC, 1, 2, 3
 LIMIT %(limit)s;

-- name: outcome_list_samples
-- The newest first.
SELECT at, key_id, outcome, reason, detail, event_count
  FROM outcome_samples
 WHERE project_id = %(project_id)s
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: analysis_find_options
SELECT version, enabled, environments AS option_environments, events_min, interval_minutes, hourly_max, budget_microdollars,
       updated_at, updated_by
  FROM analysis_options
 WHERE project_id = %(project_id)s;

-- name: analysis_upsert_options
INSERT INTO analysis_options AS o
       (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max, budget_microdollars, updated_by)
VALUES (%(project_id)s, 1, %(enabled)s, %(environments)s::text[], %(events_min)s, %(interval_minutes)s, %(hourly_max)s,
        %(budget)s::bigint, %(person_id)s::bigint)
ON CONFLICT (project_id)
DO UPDATE SET version = o.version + 1, enabled = excluded.enabled, environments = excluded.environments,
              events_min = excluded.events_min, interval_minutes = excluded.interval_minutes,
              hourly_max = excluded.hourly_max, budget_microdollars = excluded.budget_microdollars, updated_at = now(),
              updated_by = excluded.updated_by
RETURNING version;

-- name: analysis_claim_transitions
-- The oldest that were never considered, locked until the transaction ends: two sweeps at once consider none twice. Only those
-- that alerts are done with, which skip what somebody else has locked.
SELECT t.project_id, t.id, t.incident_id, t.kind, t.event_id, t.created_at
  FROM transitions t
 WHERE t.considered_at IS NULL AND t.handled_at IS NOT NULL
 ORDER BY t.created_at
 LIMIT %(limit)s
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: analysis_update_considered
UPDATE transitions t
   SET considered_at = %(now)s
  FROM unnest(%(project_ids)s::bigint[], %(ids)s::bigint[]) AS w (project_id, id)
 WHERE t.project_id = w.project_id AND t.id = w.id;

-- name: analysis_claim_watched
-- Those looked at longest ago, at most once since `before`; each answered row counts as looked at now.
UPDATE analysis_watch k
   SET checked_at = %(now)s
  FROM (SELECT project_id, incident_id
          FROM analysis_watch
         WHERE checked_at < %(before)s
         ORDER BY checked_at
         LIMIT %(limit)s
           FOR NO KEY UPDATE SKIP LOCKED) oldest
 WHERE k.project_id = oldest.project_id AND k.incident_id = oldest.incident_id
RETURNING k.project_id, k.incident_id;

-- name: analysis_list_situations
-- Each incident as the policy sees it, with what its own project decided; none of a deleted project.
SELECT i.project_id, i.id AS incident_id, i.status, i.merged_into, i.event_count, i.last_release, i.environments, i.last_seen,
       (SELECT count(*) FROM incident_fingerprints f WHERE f.project_id = i.project_id AND f.incident_id = i.id) AS stacks,
       k.explained_at, k.event_count AS known_event_count, k.stacks AS known_stacks, k.release AS known_release,
       o.enabled, o.environments AS option_environments, o.events_min, o.interval_minutes, o.hourly_max, o.budget_microdollars
  FROM unnest(%(project_ids)s::bigint[], %(incident_ids)s::bigint[]) AS w (project_id, incident_id)
  JOIN incidents i ON i.project_id = w.project_id AND i.id = w.incident_id
  JOIN projects p ON p.id = i.project_id AND p.deleted_at IS NULL
  LEFT JOIN analysis_watch k ON k.project_id = i.project_id AND k.incident_id = i.id
  LEFT JOIN analysis_options o ON o.project_id = i.project_id;

-- name: analysis_insert_watched
INSERT INTO analysis_watch (project_id, incident_id, checked_at)
SELECT w.project_id, w.incident_id, %(now)s
  FROM unnest(%(project_ids)s::bigint[], %(incident_ids)s::bigint[]) AS w (project_id, incident_id)
 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

-- name: analysis_delete_watched
-- Incidents that nothing more is expected of: never explained, and quiet.
DELETE FROM analysis_watch k
 USING unnest(%(project_ids)s::bigint[], %(incident_ids)s::bigint[]) AS w (project_id, incident_id)
 WHERE k.project_id = w.project_id AND k.incident_id = w.incident_id AND k.explained_at IS NULL;

-- name: analysis_insert_due
-- One ahead at a time for each incident: what is already waiting or under way covers this cause too.
INSERT INTO analyses (project_id, incident_id, cause, event_id, created_at, due_at)
SELECT w.project_id, w.incident_id, w.cause, w.event_id, %(now)s, w.due_at
  FROM unnest(%(project_ids)s::bigint[], %(incident_ids)s::bigint[], %(causes)s::text[], %(event_ids)s::uuid[],
              %(due_ats)s::timestamptz[]) AS w (project_id, incident_id, cause, event_id, due_at)
 ORDER BY 1, 2
ON CONFLICT (project_id, incident_id) WHERE state IN ('waiting', 'running') DO NOTHING
RETURNING project_id, id;

-- name: analysis_upsert_requested
-- One that waits is made a person's and due at once; one under way stays as it is.
INSERT INTO analyses AS a (project_id, incident_id, cause, requested_by, created_at, due_at)
VALUES (%(project_id)s, %(incident_id)s, 'person', %(person_id)s::bigint, %(now)s, %(now)s)
ON CONFLICT (project_id, incident_id) WHERE state IN ('waiting', 'running')
DO UPDATE SET cause = CASE a.state WHEN 'waiting' THEN 'person' ELSE a.cause END,
              due_at = CASE a.state WHEN 'waiting' THEN least(a.due_at, excluded.due_at) ELSE a.due_at END,
              requested_by = coalesce(a.requested_by, excluded.requested_by)
RETURNING *;

-- name: analysis_claim_due
-- Waiting ones that may start, and running ones whose taker died; people's own requests first. Each taking raises the fence.
UPDATE analyses a
   SET state = 'running', due_at = %(lease_until)s, fence = a.fence + 1, attempts = a.attempts + 1
  FROM (SELECT w.project_id, w.id, p.workspace_id
          FROM analyses w
          JOIN projects p ON p.id = w.project_id
         WHERE w.state IN ('waiting', 'running') AND w.due_at <= %(now)s
         ORDER BY (w.cause = 'person') DESC, w.due_at
         LIMIT %(limit)s
           FOR NO KEY UPDATE OF w SKIP LOCKED) oldest
 WHERE a.project_id = oldest.project_id AND a.id = oldest.id
RETURNING oldest.workspace_id, a.project_id, a.id, a.incident_id, a.cause, a.event_id, a.created_at, a.fence, a.attempts, a.reserved_microdollars;

-- name: analysis_claim_money
-- See db/migrations/0040_analysis.sql for its guarantees.
SELECT reserve_analysis(%(project_id)s, %(id)s, %(fence)s, %(now)s, %(amount)s, %(hourly_max)s, %(project_max)s::bigint,
                        %(workspace_max)s, %(deployment_max)s) AS refusal;

-- name: analysis_update_money
-- See db/migrations/0040_analysis.sql for its guarantees.
SELECT settle_analysis(%(project_id)s, %(id)s, %(fence)s, %(cost)s, %(read)s, %(cached)s, %(written)s) AS settled;

-- name: analysis_update_finished
-- Refused (no row) to a taker that is not the latest. What the incident was becomes what the policy compares with.
WITH finished AS (
  UPDATE analyses
     SET state = %(state)s, reason = %(reason)s, finished_at = %(now)s, result = %(result)s::jsonb,
         confidence = %(confidence)s::real, model = %(model)s, prompt_version = %(prompt_version)s::integer,
         context_hash = %(context_hash)s::bytea, latency_ms = %(latency_ms)s::integer, event_count = %(event_count)s::bigint,
         release = %(release)s
   WHERE project_id = %(project_id)s AND id = %(id)s AND fence = %(fence)s AND state = 'running'
  RETURNING project_id, incident_id
)
INSERT INTO analysis_watch AS k (project_id, incident_id, checked_at, explained_at, event_count, stacks, release)
SELECT f.project_id, f.incident_id, %(now)s, %(now)s, i.event_count,
       (SELECT count(*) FROM incident_fingerprints p WHERE p.project_id = i.project_id AND p.incident_id = i.id), i.last_release
  FROM finished f
  JOIN incidents i ON i.project_id = f.project_id AND i.id = f.incident_id
ON CONFLICT (project_id, incident_id)
DO UPDATE SET explained_at = excluded.explained_at, event_count = coalesce(%(event_count)s::bigint, excluded.event_count),
              stacks = excluded.stacks, release = excluded.release
RETURNING k.incident_id;

-- name: analysis_update_postponed
-- Refused (no row) to a taker that is not the latest.
UPDATE analyses
   SET state = 'waiting', due_at = %(due_at)s, reason = %(reason)s,
       attempts = attempts - CASE WHEN %(is_attempt)s THEN 0 ELSE 1 END
 WHERE project_id = %(project_id)s AND id = %(id)s AND fence = %(fence)s AND state = 'running'
RETURNING id;

-- name: analysis_update_paced
-- The project has had its share of this hour: all that it has waiting waits.
UPDATE analyses
   SET due_at = %(due_at)s, reason = 'pace'
 WHERE (project_id, id) IN (SELECT w.project_id, w.id
                              FROM analyses w
                             WHERE w.project_id = %(project_id)s AND w.state = 'waiting' AND w.cause <> 'person'
                               AND w.due_at < %(due_at)s
                               FOR NO KEY UPDATE SKIP LOCKED);

-- name: analysis_update_skipped
-- A limit is reached: what the project has waiting is not analysed. That the policy knows them keeps it from asking again.
WITH skipped AS (
  UPDATE analyses
     SET state = 'skipped', reason = %(reason)s, finished_at = %(now)s
   WHERE (project_id, id) IN (SELECT w.project_id, w.id
                                FROM analyses w
                               WHERE w.project_id = %(project_id)s AND w.state = 'waiting' AND w.cause <> 'person'
                                 AND w.due_at <= %(now)s
                                 FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING project_id, incident_id
)
UPDATE analysis_watch k
   SET explained_at = %(now)s, release = i.last_release, event_count = i.event_count,
       stacks = (SELECT count(*) FROM incident_fingerprints p WHERE p.project_id = i.project_id AND p.incident_id = i.id)
  FROM skipped s
  JOIN incidents i ON i.project_id = s.project_id AND i.id = s.incident_id
 WHERE k.project_id = s.project_id AND k.incident_id = s.incident_id
RETURNING k.incident_id;

-- name: analysis_list_summaries
-- Of each incident the newest that says something, by index analyses_by_incident.
SELECT i.id AS incident_id, a.summary
  FROM unnest(%(incident_ids)s::bigint[]) i (id)
 CROSS JOIN LATERAL (
       SELECT result ->> 'summary' AS summary
         FROM analyses
        WHERE project_id = %(project_id)s AND incident_id = i.id AND state = 'done'
        ORDER BY id DESC
        LIMIT 1) a
 WHERE a.summary IS NOT NULL;

-- name: analysis_find_same
-- Whether the incident was already explained from the same context, and nobody thought ill of it.
SELECT id
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND context_hash = %(context_hash)s AND state = 'done'
 ORDER BY id DESC
 LIMIT 1;

-- name: analysis_find_provider
SELECT failures, paused_until, last_failure FROM analysis_provider;

-- name: analysis_update_provider_failed
UPDATE analysis_provider
   SET failures = failures + 1, last_failure = %(failure)s
RETURNING failures;

-- name: analysis_update_provider_paused
UPDATE analysis_provider SET paused_until = %(paused_until)s;

-- name: analysis_update_provider_well
UPDATE analysis_provider SET failures = 0, paused_until = NULL, last_failure = NULL WHERE failures > 0;

-- name: analysis_find_incident
-- No row where its project has been deleted.
SELECT i.*,
       (SELECT count(*) FROM incident_fingerprints f WHERE f.project_id = i.project_id AND f.incident_id = i.id) AS stacks
  FROM incidents i
  JOIN projects p ON p.id = i.project_id AND p.deleted_at IS NULL
 WHERE i.project_id = %(project_id)s AND i.id = %(incident_id)s;

-- name: analysis_list_releases
-- Events by release, the newest first.
SELECT c.release, sum(c.event_count)::bigint AS events, max(c.hour) AS last_hour
  FROM incident_fingerprints f
  JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
 WHERE f.project_id = %(project_id)s AND f.incident_id = %(incident_id)s AND c.release <> ''
 GROUP BY c.release
 ORDER BY last_hour DESC, c.release DESC
 LIMIT 10;

-- name: analysis_list_hours
-- Events by hour since then.
SELECT c.hour, sum(c.event_count)::bigint AS events
  FROM incident_fingerprints f
  JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
 WHERE f.project_id = %(project_id)s AND f.incident_id = %(incident_id)s AND c.hour >= %(since)s
 GROUP BY c.hour
 ORDER BY c.hour;

-- name: analysis_list_transitions
-- What happened to the incident since then.
SELECT kind, release, environment, created_at
  FROM transitions
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND created_at > %(since)s
 ORDER BY id DESC
 LIMIT 10;

-- name: analysis_find_last
-- The newest that says something, with what people said of it.
SELECT *
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND state = 'done'
 ORDER BY id DESC
 LIMIT 1;

-- name: analysis_find_latest
-- The newest of all, whatever became of it.
SELECT *
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s
 ORDER BY id DESC
 LIMIT 1;

-- name: analysis_list_by_incident
SELECT *
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND (%(after_id)s::bigint IS NULL OR id < %(after_id)s)
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: analysis_list_newest
-- Of each incident the newest that says something.
SELECT DISTINCT ON (incident_id) incident_id, result, confidence
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = ANY (%(incident_ids)s::bigint[]) AND state = 'done'
 ORDER BY incident_id, id DESC;

-- name: analysis_find
SELECT *
  FROM analyses
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND id = %(id)s
   FOR NO KEY UPDATE;

-- name: analysis_update_rating
UPDATE analyses
   SET helpful = %(helpful)s, rated_by = %(person_id)s::bigint, rated_at = %(now)s
 WHERE project_id = %(project_id)s AND id = %(id)s
RETURNING *;

-- name: analysis_update_correction
UPDATE analyses
   SET correction = %(correction)s, corrected_by = %(person_id)s::bigint, corrected_at = %(now)s
 WHERE project_id = %(project_id)s AND id = %(id)s
RETURNING *;

-- name: analysis_find_spending
-- What the project, its workspace and the deployment spent in a month, with what is set aside.
SELECT coalesce(sum(s.spent_microdollars + s.reserved_microdollars), 0)::bigint AS workspace,
       coalesce(sum(s.spent_microdollars + s.reserved_microdollars) FILTER (WHERE s.spender = p.id), 0)::bigint AS project,
       coalesce((SELECT m.spent_microdollars + m.reserved_microdollars FROM analysis_months m WHERE m.month = %(month)s), 0)::bigint
         AS deployment
  FROM projects p
  LEFT JOIN analysis_spending s ON s.workspace_id = p.workspace_id AND s.month = %(month)s
 WHERE p.id = %(project_id)s;

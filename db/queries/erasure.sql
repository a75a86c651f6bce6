-- name: erasure_insert
INSERT INTO erasures (workspace_id, requested_by, user_hashes, mark, mentions)
VALUES (%(workspace_id)s, %(person_id)s, %(user_hashes)s, %(mark)s, %(mentions)s)
RETURNING id;

-- name: erasure_insert_again
-- One that a backup brought back the data of: nothing where it is there and has not been taken up anew.
INSERT INTO erasures (workspace_id, requested_at, user_hashes, mark, mentions)
SELECT w.id, %(requested_at)s, %(user_hashes)s, %(mark)s, %(mentions)s
  FROM workspaces w
 WHERE w.id = %(workspace_id)s
   AND NOT EXISTS (SELECT FROM erasures e
                    WHERE e.workspace_id = w.id AND e.mark = %(mark)s AND e.requested_at = %(requested_at)s
                      AND e.finished_at IS NULL)
RETURNING id;

-- name: erasure_find
SELECT id, requested_by, requested_at, finished_at, removed
  FROM erasures
 WHERE workspace_id = %(workspace_id)s AND id = %(erasure_id)s;

-- name: erasure_list
-- The newest first.
SELECT id, requested_by, requested_at, finished_at, removed
  FROM erasures
 WHERE workspace_id = %(workspace_id)s AND (%(after_id)s::bigint IS NULL OR id < %(after_id)s)
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: erasure_list_unfinished
SELECT workspace_id, id FROM erasures WHERE finished_at IS NULL ORDER BY requested_at LIMIT 1000;

-- name: erasure_list_all
-- For a file beside the backups: hashes only.
SELECT workspace_id, requested_at, array(SELECT encode(h, 'hex') FROM unnest(user_hashes) h) AS user_hashes, mark, mentions
  FROM erasures
 ORDER BY requested_at;

-- name: erasure_claim
-- Whoever has it works on it until the transaction ends; no row where another run does, or it is finished.
SELECT e.id, e.workspace_id, e.requested_at, e.user_hashes, e.mark, e.mentions, e.position, w.person_hash_key
  FROM erasures e
  JOIN workspaces w ON w.id = e.workspace_id
 WHERE e.workspace_id = %(workspace_id)s AND e.id = %(erasure_id)s AND e.finished_at IS NULL
   FOR NO KEY UPDATE OF e SKIP LOCKED;

-- name: erasure_update_position
-- Adds to what was removed so far.
UPDATE erasures e
   SET position = %(position)s::jsonb,
       removed = (SELECT coalesce(jsonb_object_agg(k, coalesce((e.removed ->> k)::bigint, 0) + coalesce((a ->> k)::bigint, 0)), '{}')
                    FROM (SELECT %(removed)s::jsonb AS a) given,
                         LATERAL (SELECT jsonb_object_keys(e.removed) AS k UNION SELECT jsonb_object_keys(a)) keys),
       finished_at = CASE WHEN %(finished)s THEN clock_timestamp() END
 WHERE workspace_id = %(workspace_id)s AND id = %(erasure_id)s
RETURNING removed;

-- name: erasure_list_texts
SELECT relation::text, field FROM texts_about_events() ORDER BY 1, 2;

-- name: erasure_update_texts
-- See db/migrations/0053_erasure.sql for its guarantees.
SELECT changed, next::text
  FROM erase_texts(%(project_id)s, %(relation)s::regclass, %(field)s, %(after)s::tid, %(max_rows)s, %(mark)s,
                   %(inner_pad)s, %(outer_pad)s);

-- name: erasure_delete_events
SELECT events, payloads, held FROM erase_events(%(project_id)s, %(received)s::timestamptz[], %(event_ids)s::uuid[]);

-- name: erasure_delete_people
-- Who met which incident; the number of people stays.
DELETE FROM incident_people i
 USING projects p
 WHERE p.workspace_id = %(workspace_id)s AND i.project_id = p.id AND i.user_hash = ANY (%(user_hashes)s)
   AND NOT is_held(i.project_id, i.fingerprint);

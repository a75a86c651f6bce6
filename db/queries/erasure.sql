-- name: erasure_insert
INSERT INTO erasures (workspace_id, requested_by, user_hashes, mark, word_mark, word_lengths, joiners, mentions)
VALUES (%(workspace_id)s, %(person_id)s, %(user_hashes)s, %(mark)s, %(word_mark)s, %(word_lengths)s, %(joiners)s, %(mentions)s)
RETURNING id;

-- name: erasure_insert_again
-- One that a backup brought back the data of: nothing where it is there and has not been taken up anew.
INSERT INTO erasures (workspace_id, requested_at, user_hashes, mark, word_mark, word_lengths, joiners, mentions)
SELECT w.id, %(requested_at)s, %(user_hashes)s, %(mark)s, %(word_mark)s, %(word_lengths)s, %(joiners)s, %(mentions)s
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
-- For a file beside the backups: hashes, and how long an identifier's words are.
SELECT workspace_id, requested_at, array(SELECT encode(h, 'hex') FROM unnest(user_hashes) h) AS user_hashes, mark, word_mark,
       word_lengths, joiners, mentions
  FROM erasures
 ORDER BY requested_at;

-- name: erasure_claim
-- Whoever has it works on it until the transaction ends; no row where another run does, or it is finished.
SELECT e.id, e.workspace_id, e.requested_at, e.user_hashes, e.mark, e.word_mark, e.word_lengths, e.joiners, e.mentions,
       e.position, w.person_hash_key
  FROM erasures e
  JOIN workspaces w ON w.id = e.workspace_id
 WHERE e.workspace_id = %(workspace_id)s AND e.id = %(erasure_id)s AND e.finished_at IS NULL
   FOR NO KEY UPDATE OF e SKIP LOCKED;

-- name: erasure_update_position
-- Adds to what was removed so far, and goes on from where it was unless another run has gone on from there.
UPDATE erasures e
   SET position = CASE WHEN e.position IS NOT DISTINCT FROM %(was)s::jsonb AND e.finished_at IS NULL
                       THEN %(position)s::jsonb ELSE e.position END,
       removed = (SELECT coalesce(jsonb_object_agg(k, coalesce((e.removed ->> k)::bigint, 0) + coalesce((a ->> k)::bigint, 0)), '{}')
                    FROM (SELECT %(removed)s::jsonb AS a) given,
                         LATERAL (SELECT jsonb_object_keys(e.removed) AS k UNION SELECT jsonb_object_keys(a)) keys),
       finished_at = CASE WHEN %(finished)s THEN clock_timestamp() ELSE e.finished_at END
 WHERE workspace_id = %(workspace_id)s AND id = %(erasure_id)s
RETURNING removed;

-- name: erasure_list_projects
-- Deleted ones too: they can come back.
SELECT id FROM projects WHERE workspace_id = %(workspace_id)s ORDER BY id;

-- name: erasure_list_relations
SELECT relation, fields, incidents FROM kept_texts();

-- name: erasure_list_texts
-- See db/migrations/0066_mentions.sql for the guarantees of this and the next ones.
SELECT key, texts, held
  FROM list_kept_texts(%(project_id)s, %(relation)s, %(fields)s::text[], %(incidents)s, %(after)s::text[], %(max_rows)s);

-- name: erasure_update_text
SELECT replace_kept_text(%(project_id)s, %(relation)s, %(key)s::text[], %(was)s::jsonb, %(wanted)s::jsonb) AS replaced;

-- name: erasure_update_release
SELECT rename_release(%(project_id)s, %(was)s, %(wanted)s);

-- name: erasure_update_counts
SELECT rename_counts(%(project_id)s, %(fingerprint)s::uuid, 'environment', %(was)s, %(wanted)s);

-- name: erasure_list_statistics
SELECT relation::text, quoted FROM quoted_in_statistics();

-- name: erasure_update_statistics
SELECT analyse_anew(%(relation)s::text::regclass);

-- name: erasure_list_held
SELECT whole, fingerprints FROM held_of(%(project_id)s);

-- name: erasure_lock_events
-- Whoever removes events takes turns.
SELECT pg_advisory_xact_lock(7308, 0);

-- name: erasure_delete_events
SELECT events, payloads, held FROM erase_events(%(project_id)s, %(received)s::timestamptz[], %(event_ids)s::uuid[]);

-- name: erasure_delete_tags
-- Tags that are the identifier itself, whatever event they came with.
DELETE FROM incident_tags t
 USING projects p
 WHERE p.workspace_id = %(workspace_id)s AND t.project_id = p.id
   AND (t.value_hash = ANY (%(tag_hashes)s::bigint[]) OR t.name_hash = ANY (%(tag_hashes)s::bigint[]))
   AND NOT is_held(t.project_id, t.fingerprint);

-- name: erasure_delete_event_tags
-- All that is known of the tags of these events' kinds: which of them the erased events brought, nothing tells. What the others had
-- comes back with the next event on a later day.
DELETE FROM incident_tags t
 USING (SELECT k.project_id, k.fingerprint, k.name_hash, k.value_hash
          FROM (SELECT DISTINCT e.fingerprint FROM event_ids e
                 WHERE e.project_id = %(project_id)s AND e.event_id = ANY (%(event_ids)s::uuid[])) e
          JOIN incident_tags k ON k.project_id = %(project_id)s AND k.fingerprint = e.fingerprint
         WHERE NOT is_held(k.project_id, k.fingerprint)
         ORDER BY 1, 2, 3, 4
           FOR UPDATE OF k) gone
 WHERE t.project_id = gone.project_id AND t.fingerprint = gone.fingerprint AND t.name_hash = gone.name_hash
   AND t.value_hash = gone.value_hash;

-- name: erasure_delete_people
-- Who met which incident; the number of people stays.
DELETE FROM incident_people i
 USING projects p
 WHERE p.workspace_id = %(workspace_id)s AND i.project_id = p.id AND i.user_hash = ANY (%(user_hashes)s)
   AND NOT is_held(i.project_id, i.fingerprint);

-- name: archive_list_missing
-- Projects whose payloads of a day expiring are not archived as they are, and where another archive of theirs stands.
SELECT s.project_id, s.row_count, s.signature, a.object_key
  FROM payload_signatures(%(day)s) s
  LEFT JOIN archives a ON a.project_id = s.project_id AND a.expires_on = %(day)s
 WHERE (a.row_count, a.signature) IS DISTINCT FROM (s.row_count, s.signature)
 ORDER BY s.project_id;

-- name: archive_list_rows
-- A project's payloads of a day expiring, by key, with what is needed to read, restore and erase them.
SELECT p.received_at, p.event_id, p.dictionary, p.payload, k.fingerprint, encode(e.user_hash, 'hex') AS user_hash
  FROM (SELECT * FROM event_payloads
         WHERE project_id = %(project_id)s AND expires_on = %(day)s
           AND (%(after)s::uuid IS NULL OR (received_at, event_id) > (%(after_at)s::timestamptz, %(after)s))
         ORDER BY received_at, event_id
         LIMIT %(limit)s) p
  LEFT JOIN event_ids k ON k.project_id = p.project_id AND k.event_id = p.event_id
  LEFT JOIN events e ON e.project_id = p.project_id AND e.fingerprint = k.fingerprint AND e.received_at = p.received_at
                    AND e.event_id = p.event_id
 ORDER BY p.received_at, p.event_id;

-- name: archive_upsert
INSERT INTO archives AS a (project_id, expires_on, object_key, row_count, bytes, sha256, signature, delete_on)
VALUES (%(project_id)s, %(day)s, %(object_key)s, %(row_count)s, %(bytes)s, %(sha256)s, %(signature)s, today() + %(days)s::int)
ON CONFLICT (project_id, expires_on)
DO UPDATE SET object_key = excluded.object_key, row_count = excluded.row_count, bytes = excluded.bytes,
              sha256 = excluded.sha256, signature = excluded.signature, archived_at = clock_timestamp()
        WHERE a.object_key = excluded.object_key;

-- name: archive_update_begun
-- Before an object is written that the archive may turn to: whatever becomes of that, the object is known.
UPDATE archives SET leftovers = leftovers || jsonb_build_object(%(object_key)s::text, clock_timestamp())
 WHERE project_id = %(project_id)s AND expires_on = %(day)s AND object_key = %(was_key)s AND sha256 = %(was)s
RETURNING object_key;

-- name: archive_update_erased
-- Turns to an object without some of its rows, unless the archive is another one by now; its own end stays.
UPDATE archives
   SET object_key = %(object_key)s, row_count = %(row_count)s, bytes = %(bytes)s, sha256 = %(sha256)s,
       leftovers = leftovers - %(object_key)s::text || jsonb_build_object(object_key, clock_timestamp())
 WHERE project_id = %(project_id)s AND expires_on = %(day)s AND object_key = %(was_key)s AND sha256 = %(was)s
   AND leftovers ? %(object_key)s
RETURNING object_key;

-- name: archive_list_leftovers
-- Objects that no run can be at work on any more.
SELECT a.project_id, a.expires_on, l.object_key
  FROM archives a
 CROSS JOIN LATERAL jsonb_each_text(a.leftovers) AS l (object_key, since)
 WHERE a.leftovers <> '{}' AND l.since::timestamptz < clock_timestamp() - interval '1 hour'
 LIMIT 1000;

-- name: archive_update_leftovers
UPDATE archives SET leftovers = leftovers - %(object_key)s::text
 WHERE project_id = %(project_id)s AND expires_on = %(day)s;

-- name: archive_find
SELECT project_id, expires_on, object_key, row_count, bytes, sha256, archived_at, delete_on
  FROM archives
 WHERE project_id = %(project_id)s AND expires_on = %(day)s;

-- name: archive_list
-- A project's archives, the newest day first.
SELECT project_id, expires_on, object_key, row_count, bytes, sha256, archived_at, delete_on, leftovers
  FROM archives
 WHERE project_id = %(project_id)s
 ORDER BY expires_on DESC;

-- name: archive_list_by_workspace
-- In order.
SELECT a.project_id, a.expires_on, a.object_key, a.row_count, a.bytes, a.sha256, a.archived_at, a.delete_on
  FROM projects p
  JOIN archives a ON a.project_id = p.id
 WHERE p.workspace_id = %(workspace_id)s
 ORDER BY a.project_id, a.expires_on;

-- name: archive_list_due
-- Those whose time is over and that are not held.
SELECT a.project_id, a.expires_on, a.object_key, a.leftovers
  FROM archives a
 WHERE a.delete_on < today()
   AND NOT EXISTS (SELECT FROM legal_holds h WHERE h.project_id = a.project_id AND h.ended_at IS NULL)
 ORDER BY a.delete_on
 LIMIT 1000;

-- name: archive_delete
-- Unless it has turned to another object meanwhile: that goes with the next run.
DELETE FROM archives WHERE project_id = %(project_id)s AND expires_on = %(day)s AND object_key = %(object_key)s;

-- name: archive_delete_payloads
-- See db/migrations/0055_archive.sql for its guarantees.
SELECT row_count, bytes FROM prune_archived_payloads(%(day)s);

-- name: archive_upsert_payload
-- Back for reading until a day; one that a hold keeps stays as it is.
INSERT INTO kept_payloads AS k (project_id, received_at, event_id, fingerprint, expires_on, dictionary, payload, kept_until)
VALUES (%(project_id)s, %(received_at)s, %(event_id)s, %(fingerprint)s, %(day)s, %(dictionary)s, %(payload)s,
        today() + %(days)s::int)
ON CONFLICT (project_id, received_at, event_id)
DO UPDATE SET kept_until = CASE WHEN k.kept_until IS NOT NULL THEN greatest(k.kept_until, excluded.kept_until) END;

-- name: subject_find_key
SELECT person_hash_key FROM workspaces WHERE id = %(workspace_id)s AND deleted_at IS NULL;

-- name: subject_list_places
-- Where to look in a workspace, in order: each project's days received, its days expiring, what is kept beyond them. Deleted
-- projects too: they can come back.
SELECT p.id AS project_id, d.kind, d.day
  FROM projects p
 CROSS JOIN (SELECT 0 AS nth, 'received' AS kind, day FROM partitions_of('events')
              UNION ALL SELECT 1, 'expiring', day FROM partitions_of('event_payloads')
              UNION ALL SELECT 2, 'kept', NULL) d
 WHERE p.workspace_id = %(workspace_id)s
 ORDER BY p.id, d.nth, d.day;

-- name: subject_list_by_received
-- A person's events of a day received, by key.
SELECT project_id, received_at, event_id, fingerprint
  FROM events
 WHERE project_id = %(project_id)s AND received_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
   AND received_at < %(until)s::date::timestamp AT TIME ZONE 'UTC' AND received_at < %(before)s
   AND user_hash = ANY (%(user_hashes)s)
   AND (%(after)s::uuid IS NULL OR (received_at, event_id) > (%(after_at)s, %(after)s))
 ORDER BY received_at, event_id
 LIMIT %(limit)s;

-- name: subject_list_by_expiring
-- A project's payloads of a day expiring, by key.
SELECT project_id, received_at, event_id, dictionary, payload
  FROM event_payloads
 WHERE project_id = %(project_id)s AND expires_on = %(day)s AND received_at < %(before)s
   AND (%(after)s::uuid IS NULL OR (received_at, event_id) > (%(after_at)s::timestamptz, %(after)s))
 ORDER BY received_at, event_id
 LIMIT %(limit)s;

-- name: subject_list_by_kept
SELECT project_id, received_at, event_id, dictionary, payload
  FROM kept_payloads
 WHERE project_id = %(project_id)s AND received_at < %(before)s
   AND (%(after)s::uuid IS NULL OR (received_at, event_id) > (%(after_at)s::timestamptz, %(after)s))
 ORDER BY received_at, event_id
 LIMIT %(limit)s;

-- name: subject_find_payload
-- An event's payload wherever it is; asked for few events at a time.
SELECT dictionary, payload FROM event_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s
 UNION ALL
SELECT dictionary, payload FROM kept_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s
 LIMIT 1;

-- name: subject_find_light
SELECT e.occurred_at, e.level, e.release, e.environment, e.service, e.route, k.fingerprint, f.incident_id
  FROM event_ids k
  JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
  JOIN events e ON e.project_id = k.project_id AND e.fingerprint = k.fingerprint AND e.received_at = k.received_at
               AND e.event_id = k.event_id
 WHERE k.project_id = %(project_id)s AND k.event_id = %(event_id)s;

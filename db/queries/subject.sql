-- name: subject_find_key
SELECT person_hash_key FROM workspaces WHERE id = %(workspace_id)s AND deleted_at IS NULL;

-- name: subject_list_places
-- Where there is anything to look at in a workspace, in order: each project's days received, its days expiring, what is kept beyond
-- them. Deleted projects too: they can come back.
SELECT p.id AS project_id, d.kind, d.day
  FROM projects p
 CROSS JOIN LATERAL (
       SELECT 0 AS nth, 'received' AS kind, t.day
         FROM partitions_of('events') t
        WHERE EXISTS (SELECT FROM events e
                       WHERE e.project_id = p.id AND e.received_at >= t.day::timestamp AT TIME ZONE 'UTC'
                         AND e.received_at < (t.day + 1)::timestamp AT TIME ZONE 'UTC')
        UNION ALL
       SELECT 1, 'expiring', t.day
         FROM partitions_of('event_payloads') t
        WHERE EXISTS (SELECT FROM event_payloads x WHERE x.project_id = p.id AND x.expires_on = t.day)
        UNION ALL
       SELECT 2, 'kept', NULL WHERE EXISTS (SELECT FROM kept_payloads k WHERE k.project_id = p.id)) d
 WHERE p.workspace_id = %(workspace_id)s
 ORDER BY p.id, d.nth, d.day;

-- name: subject_list_by_received
-- Light rows of a day received, by key: those that count the person, or all, with what might mention them.
SELECT project_id, received_at, event_id, fingerprint, coalesce(user_hash = ANY (%(user_hashes)s), false) AS is_counted,
       concat_ws(chr(1), release, environment, service, route) AS texts
  FROM events
 WHERE project_id = %(project_id)s AND received_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
   AND received_at < %(until)s::date::timestamp AT TIME ZONE 'UTC' AND received_at < %(before)s
   AND (%(mentions)s OR user_hash = ANY (%(user_hashes)s))
   AND (%(after)s::text[] IS NULL
        OR (fingerprint, received_at, event_id)
           > ((%(after)s::text[])[1]::uuid, (%(after)s::text[])[2]::timestamptz, (%(after)s::text[])[3]::uuid))
 ORDER BY fingerprint, received_at, event_id
 LIMIT %(limit)s;

-- name: subject_list_by_expiring
-- A project's payloads of a day expiring, by key.
SELECT project_id, received_at, event_id, dictionary, payload
  FROM event_payloads
 WHERE project_id = %(project_id)s AND expires_on = %(day)s AND received_at < %(before)s
   AND (%(after)s::text[] IS NULL
        OR (received_at, event_id) > ((%(after)s::text[])[1]::timestamptz, (%(after)s::text[])[2]::uuid))
 ORDER BY received_at, event_id
 LIMIT %(limit)s;

-- name: subject_list_by_kept
SELECT project_id, received_at, event_id, dictionary, payload
  FROM kept_payloads
 WHERE project_id = %(project_id)s AND received_at < %(before)s
   AND (%(after)s::text[] IS NULL
        OR (received_at, event_id) > ((%(after)s::text[])[1]::timestamptz, (%(after)s::text[])[2]::uuid))
 ORDER BY received_at, event_id
 LIMIT %(limit)s;

-- name: subject_find_payload
-- An event's payload wherever it is; asked for few events at a time.
SELECT dictionary, payload, false AS is_kept FROM event_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s
 UNION ALL
SELECT dictionary, payload, true FROM kept_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s
 ORDER BY is_kept
 LIMIT 1;

-- name: subject_find_light
SELECT e.occurred_at, e.level, e.release, e.environment, e.service, e.route, k.fingerprint, f.incident_id, e.user_hash,
       concat_ws(chr(1), e.release, e.environment, e.service, e.route) AS texts
  FROM event_ids k
  JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
  JOIN events e ON e.project_id = k.project_id AND e.fingerprint = k.fingerprint AND e.received_at = k.received_at
               AND e.event_id = k.event_id
 WHERE k.project_id = %(project_id)s AND k.event_id = %(event_id)s;

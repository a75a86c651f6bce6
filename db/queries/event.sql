-- name: event_list_by_incident
-- In either direction, by the key of each day's partition (db/migrations/0071_event_steps.sql).
-- since: no event of the incident is older, so that older partitions are not even planned. event_id is null where none fits.
SELECT s.last_at, s.last_id, s.is_more, e.event_id, e.received_at, e.occurred_at, e.expires_on, e.level, e.release, e.environment,
       e.service, e.route, e.user_hash, e.removed_count, e.sampled
  FROM event_steps(%(project_id)s, %(incident_id)s, %(since)s, %(after)s, %(after_id)s, %(oldest_first)s, %(environment)s,
                   %(release)s, %(max_rows)s, %(max_looked)s) s
 CROSS JOIN LATERAL (SELECT (s.event).*) e
 ORDER BY CASE WHEN %(oldest_first)s THEN e.received_at END, CASE WHEN %(oldest_first)s THEN e.event_id END,
          e.received_at DESC, e.event_id DESC;

-- name: event_count_newer
-- How many of an incident's events that fit were received after one, and how many were looked at for that: max_looked at most.
SELECT count(*) FILTER (WHERE (%(environment)s::text IS NULL OR n.environment = %(environment)s)
                          AND (%(release)s::text IS NULL OR n.release = %(release)s)) AS newer_count,
       count(*) AS looked_count
  FROM (SELECT e.environment, e.release
          FROM incident_fingerprints f
          JOIN events e ON e.project_id = f.project_id AND e.fingerprint = f.fingerprint
         WHERE f.project_id = %(project_id)s AND f.incident_id = %(incident_id)s AND e.received_at >= %(received_at)s
           AND (e.received_at, e.event_id) > (%(received_at)s, %(event_id)s)
         LIMIT %(max_looked)s) n;

-- name: event_find_id
-- Where an event lies. Asked first, so that the partitions of the next query are known when it is planned.
SELECT k.received_at, k.fingerprint, f.incident_id, f.home_incident_id
  FROM event_ids k
  JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
 WHERE k.project_id = %(project_id)s AND k.event_id = %(event_id)s;

-- name: event_find_row
SELECT event_id, received_at, occurred_at, expires_on, level, release, environment, service, route, removed_count, sampled
  FROM events
 WHERE project_id = %(project_id)s AND fingerprint = %(fingerprint)s AND received_at = %(received_at)s
   AND event_id = %(event_id)s;

-- name: event_find_payload
-- No row where the payload has expired and its partition is gone, unless a hold keeps it or it was brought back.
SELECT dictionary, payload
  FROM event_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s AND expires_on = %(expires_on)s
 UNION ALL
SELECT dictionary, payload
  FROM kept_payloads
 WHERE project_id = %(project_id)s AND received_at = %(received_at)s AND event_id = %(event_id)s
 LIMIT 1;

-- name: event_list_payloads
-- What is stored of a project's newest events, newest received first, by the key of each partition of payloads. The page is cut
-- before anything is looked up for it.
SELECT e.received_at, e.event_id, e.dictionary, e.payload, f.incident_id, f.fingerprint
  FROM (SELECT p.project_id, p.received_at, p.event_id, p.dictionary, p.payload
          FROM event_payloads p
         WHERE p.project_id = %(project_id)s AND p.expires_on >= (now() AT TIME ZONE 'UTC')::date
           AND (%(after)s::timestamptz IS NULL OR (p.received_at, p.event_id) < (%(after)s, %(after_id)s::uuid))
         ORDER BY p.received_at DESC, p.event_id DESC
         LIMIT %(limit)s) e
  JOIN event_ids k ON k.project_id = e.project_id AND k.event_id = e.event_id
  JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
 ORDER BY e.received_at DESC, e.event_id DESC;

-- name: event_list_payloads_by_key
-- What is still stored of these events, each found by its partition's key.
SELECT p.event_id, p.dictionary, p.payload
  FROM unnest(%(expires_on)s::date[], %(received_at)s::timestamptz[], %(event_ids)s::uuid[]) AS k (expires_on, received_at, event_id)
  JOIN event_payloads p ON p.project_id = %(project_id)s AND p.expires_on = k.expires_on AND p.received_at = k.received_at
                       AND p.event_id = k.event_id;

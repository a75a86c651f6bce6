-- name: count_list_by_incidents
-- For the bars of a page of incidents: one range of the key per fingerprint.
SELECT f.incident_id, floor(extract(epoch FROM c.hour - %(since)s::timestamptz) / %(bar_seconds)s::int)::int AS bar,
       sum(c.event_count)::bigint AS event_count
  FROM incident_fingerprints f
  JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint AND c.hour >= %(since)s
 WHERE f.project_id = %(project_id)s AND f.incident_id = ANY (%(incident_ids)s::bigint[])
   AND (%(environment)s::text IS NULL OR c.environment = %(environment)s)
   AND (%(release)s::text IS NULL OR c.release = %(release)s)
 GROUP BY 1, 2;

-- name: count_list_releases
-- Releases that the project began to see since then, the newest first.
SELECT release, first_seen
  FROM releases
 WHERE project_id = %(project_id)s AND first_seen >= %(since)s
 ORDER BY first_seen DESC, release
 LIMIT %(limit)s;

-- name: count_list_by_incident
-- What an incident's events are of, where it was seen last first; an environment or release that was not named is ''.
SELECT c.environment, c.release, sum(c.event_count)::bigint AS event_count
  FROM incident_fingerprints f
  JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
 WHERE f.project_id = %(project_id)s AND f.incident_id = %(incident_id)s
 GROUP BY c.environment, c.release
 ORDER BY max(c.hour) DESC, c.release, c.environment
 LIMIT %(limit)s;

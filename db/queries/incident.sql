-- name: incident_list_by_last_seen
-- Order and page by index incidents_by_last_seen.
SELECT i.*
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.last_seen, i.id) < (%(after)s::timestamptz, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
 ORDER BY i.project_id, i.last_seen DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_list_by_first_seen
-- Order and page by index incidents_by_first_seen.
SELECT i.*
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.first_seen, i.id) < (%(after)s::timestamptz, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
 ORDER BY i.project_id, i.first_seen DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_list_by_event_count
-- No index: it would be written with every event. 100,000 incidents are sorted in about 50 ms.
SELECT i.*
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.event_count, i.id) < (%(after)s::bigint, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
 ORDER BY i.project_id, i.event_count DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_find
SELECT * FROM incidents WHERE project_id = %(project_id)s AND id = %(incident_id)s;

-- name: incident_list_fingerprints
-- Why its events are together: every fingerprint that leads to the incident, the one with most events first.
SELECT fingerprint, version, rule, reason, parts, event_count, first_seen, last_seen
  FROM incident_fingerprints
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s
 ORDER BY event_count DESC, fingerprint
 LIMIT 100;

-- name: incident_update_status
-- Sets a status and clears what belonged to the one before. "until N more" is kept as the count at which it ends, and the
-- release that a resolution is measured against as it is at this moment: the incident's last one, or, for "in the next
-- release", the newest of the project (by SemVer where the incident's own parses, otherwise the one seen first last).
UPDATE incidents i
   SET status = %(status)s,
       status_changed_at = clock_timestamp(),
       resolved_in_next_release = %(in_next_release)s,
       resolved_release = CASE WHEN %(status)s <> 'resolved' THEN NULL
                               WHEN NOT %(in_next_release)s THEN i.last_release
                               ELSE (SELECT r.release
                                       FROM releases r
                                       LEFT JOIN releases own ON own.project_id = i.project_id AND own.release = i.last_release
                                      WHERE r.project_id = i.project_id
                                      ORDER BY CASE WHEN own.release_key IS NOT NULL THEN r.release_key END DESC NULLS LAST,
                                               r.first_seen DESC
                                      LIMIT 1) END,
       ignored_until = %(ignored_until)s,
       ignored_until_count = i.event_count + %(ignored_events)s::bigint
 WHERE i.project_id = %(project_id)s AND i.id = %(incident_id)s
RETURNING *;

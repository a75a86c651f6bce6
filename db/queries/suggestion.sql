-- name: suggestion_list_candidates
-- The incident and those last seen of its platform that are neither merged nor dismissed for it (index incidents_by_last_seen),
-- each with its fingerprints of most events; of_…: times and releases of the fingerprint.
SELECT i.id, i.title, i.culprit, i.status, i.level, i.event_count, i.first_seen, i.last_seen, i.first_release, i.last_release,
       i.environments, f.rule, f.parts, f.first_seen AS of_first_seen, f.last_seen AS of_last_seen,
       f.first_release AS of_first_release, f.last_release AS of_last_release
  FROM (
    SELECT own.* FROM incidents own WHERE own.project_id = %(project_id)s AND own.id = %(incident_id)s
    UNION ALL
    (SELECT other.*
       FROM incidents own
       JOIN incidents other ON other.project_id = own.project_id AND other.id <> own.id AND other.platform = own.platform
      WHERE own.project_id = %(project_id)s AND own.id = %(incident_id)s AND other.merged_into IS NULL
        AND NOT EXISTS (
              SELECT FROM dismissed_suggestions d
               WHERE d.project_id = own.project_id
                 AND d.incident_id = least(own.id, other.id) AND d.other_id = greatest(own.id, other.id))
      ORDER BY other.project_id, other.last_seen DESC, other.id DESC
      LIMIT %(limit)s)
  ) i
 CROSS JOIN LATERAL (
    SELECT f.*
      FROM incident_fingerprints f
     WHERE f.project_id = i.project_id AND f.incident_id = i.id
     ORDER BY f.event_count DESC, f.fingerprint
     LIMIT %(fingerprints_max)s
  ) f
 ORDER BY i.last_seen DESC, i.id DESC, f.event_count DESC, f.fingerprint;

-- name: suggestion_insert_dismissed
-- Each pair once, its lower id first; answers those that were not there.
INSERT INTO dismissed_suggestions (project_id, incident_id, other_id, dismissed_by)
SELECT i.project_id, least(i.id, %(incident_id)s), greatest(i.id, %(incident_id)s), %(person_id)s
  FROM incidents i
 WHERE i.project_id = %(project_id)s AND i.id = ANY (%(others)s::bigint[])
 ORDER BY i.id
    ON CONFLICT DO NOTHING
RETURNING incident_id, other_id;

-- name: facet_list
-- How many incidents there are of each kind that facets tell apart, in one pass over those last seen, `max` at most: narrowed by what
-- is no facet, and counted with and without what is asked of the assignee. To count all of 100,000 takes 75 ms, which is too long.
-- tag_value: one that many incidents have, looked up as a set, since most incidents are looked at.
WITH fitting AS (
  SELECT i.id, i.status, i.level, i.environments, i.assignee_id
    FROM incidents i
   WHERE i.project_id = %(project_id)s
     AND incident_matches(i, NULL, NULL, NULL, %(pattern)s, %(since)s, %(until)s)
     AND (%(release)s::text IS NULL OR EXISTS (
           SELECT FROM incident_fingerprints f
             JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
            WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
     AND (%(incident_ids)s::bigint[] IS NULL OR i.id = ANY (%(incident_ids)s))
     AND (%(user_hashes)s::bytea[] IS NULL OR incident_met(i.project_id, i.id, %(user_hashes)s))
     AND (%(tag_values)s::bigint[] IS NULL OR incident_has_tags(i.project_id, i.id, %(tag_values)s, %(tag_names)s::bigint[]))
     AND (%(tag_value)s::bigint IS NULL OR i.id IN (
           SELECT f.incident_id
             FROM incident_tags t
             JOIN incident_fingerprints f ON f.project_id = t.project_id AND f.fingerprint = t.fingerprint
            WHERE t.project_id = %(project_id)s AND t.value_hash = %(tag_value)s
              AND (%(tag_name)s::bigint IS NULL OR t.name_hash = %(tag_name)s)))
   ORDER BY i.project_id, i.last_seen DESC, i.id DESC
   LIMIT %(max)s
)
SELECT i.status, i.level, i.environments, count(*) AS all_count, array_agg(i.id) FILTER (WHERE %(assignee_id)s::bigint IS NULL
           OR coalesce(i.assignee_id, 0) = %(assignee_id)s) AS incident_ids,
       count(*) FILTER (WHERE %(assignee_id)s::bigint IS NULL OR coalesce(i.assignee_id, 0) = %(assignee_id)s) AS incident_count,
       count(*) FILTER (WHERE i.assignee_id = %(own_id)s) AS own_count,
       count(*) FILTER (WHERE i.assignee_id IS NULL) AS free_count
  FROM fitting i
 GROUP BY i.status, i.level, i.environments;

-- name: facet_list_releases
-- Of how many of these incidents each release has events: an index lookup for each pair, so there must be few.
SELECT r.release, count(*) FILTER (WHERE EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = %(project_id)s AND f.incident_id = i.id AND c.release = r.release)) AS incident_count
  FROM unnest(%(releases)s::text[]) WITH ORDINALITY r (release, nth)
  LEFT JOIN unnest(%(incident_ids)s::bigint[]) i (id) ON true
 GROUP BY r.release, r.nth
 ORDER BY r.nth;

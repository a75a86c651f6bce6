-- name: facet_list
-- How many incidents each value would leave: every facet is narrowed by all filters but its own. One pass over the incidents.
WITH narrowed AS MATERIALIZED (
  SELECT i.status, i.level, i.environments,
         (%(status)s::text IS NULL OR i.status = %(status)s) AS in_status,
         (%(level)s::text IS NULL OR i.level = %(level)s) AS in_level,
         (%(environment)s::text IS NULL OR %(environment)s = ANY (i.environments)) AS in_environment
    FROM incidents i
   WHERE i.project_id = %(project_id)s
     AND incident_matches(i, NULL, NULL, NULL, %(pattern)s, %(since)s, %(until)s)
     AND (%(assignee_id)s::bigint IS NULL OR coalesce(i.assignee_id, 0) = %(assignee_id)s)
     AND (%(release)s::text IS NULL OR EXISTS (
           SELECT FROM incident_fingerprints f
             JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
            WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
)
SELECT 'status' AS facet, status AS value, count(*) AS incident_count
  FROM narrowed WHERE in_level AND in_environment GROUP BY status
UNION ALL
SELECT 'level', level, count(*) FROM narrowed WHERE in_status AND in_environment GROUP BY level
UNION ALL
(SELECT 'environment', named, count(*) FROM narrowed, unnest(environments) named
  WHERE in_status AND in_level GROUP BY named ORDER BY count(*) DESC, named LIMIT %(limit)s)
 ORDER BY facet, incident_count DESC, value;

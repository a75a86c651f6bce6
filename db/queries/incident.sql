-- name: incident_list_by_last_seen
-- Order and page by index incidents_by_last_seen.
SELECT i.*, (SELECT coalesce(a.name, a.email) FROM people a WHERE a.id = i.assignee_id) AS assignee_name
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.last_seen, i.id) < (%(after)s::timestamptz, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(assignee_id)s::bigint IS NULL OR coalesce(i.assignee_id, 0) = %(assignee_id)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
   AND (%(incident_ids)s::bigint[] IS NULL OR i.id = ANY (%(incident_ids)s))
   AND (%(user_hashes)s::bytea[] IS NULL OR incident_met(i.project_id, i.id, %(user_hashes)s))
   AND (%(tag_values)s::bigint[] IS NULL OR incident_has_tags(i.project_id, i.id, %(tag_values)s, %(tag_names)s::bigint[]))
 ORDER BY i.project_id, i.last_seen DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_list_by_first_seen
-- Order and page by index incidents_by_first_seen.
SELECT i.*, (SELECT coalesce(a.name, a.email) FROM people a WHERE a.id = i.assignee_id) AS assignee_name
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.first_seen, i.id) < (%(after)s::timestamptz, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(assignee_id)s::bigint IS NULL OR coalesce(i.assignee_id, 0) = %(assignee_id)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
   AND (%(incident_ids)s::bigint[] IS NULL OR i.id = ANY (%(incident_ids)s))
   AND (%(user_hashes)s::bytea[] IS NULL OR incident_met(i.project_id, i.id, %(user_hashes)s))
   AND (%(tag_values)s::bigint[] IS NULL OR incident_has_tags(i.project_id, i.id, %(tag_values)s, %(tag_names)s::bigint[]))
 ORDER BY i.project_id, i.first_seen DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_list_by_event_count
-- Order and page by index incidents_by_event_count.
SELECT i.*, (SELECT coalesce(a.name, a.email) FROM people a WHERE a.id = i.assignee_id) AS assignee_name
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(after_id)s::bigint IS NULL OR (i.event_count, i.id) < (%(after)s::bigint, %(after_id)s))
   AND incident_matches(i, %(status)s, %(level)s, %(environment)s, %(pattern)s, %(since)s, %(until)s)
   AND (%(assignee_id)s::bigint IS NULL OR coalesce(i.assignee_id, 0) = %(assignee_id)s)
   AND (%(release)s::text IS NULL OR EXISTS (
         SELECT FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.release = %(release)s))
   AND (%(incident_ids)s::bigint[] IS NULL OR i.id = ANY (%(incident_ids)s))
   AND (%(user_hashes)s::bytea[] IS NULL OR incident_met(i.project_id, i.id, %(user_hashes)s))
   AND (%(tag_values)s::bigint[] IS NULL OR incident_has_tags(i.project_id, i.id, %(tag_values)s, %(tag_names)s::bigint[]))
 ORDER BY i.project_id, i.event_count DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident_list_by_person
-- Incidents that met one of these, by the key of incident_people; in no order, since a list is narrowed to them.
SELECT DISTINCT f.incident_id
  FROM incident_people p
  JOIN incident_fingerprints f ON f.project_id = p.project_id AND f.fingerprint = p.fingerprint
 WHERE p.project_id = %(project_id)s AND p.user_hash = ANY (%(user_hashes)s::bytea[])
 LIMIT %(limit)s;

-- name: incident_list_by_tag
-- Incidents of which an event had the tag, by index incident_tags_by_value; in no order. is_cut: more kinds have it than were
-- looked at, so that these are not all.
WITH k AS MATERIALIZED (
  SELECT t.project_id, t.fingerprint
    FROM incident_tags t
   WHERE t.project_id = %(project_id)s AND t.value_hash = %(value_hash)s
     AND (%(name_hash)s::bigint IS NULL OR t.name_hash = %(name_hash)s)
   LIMIT %(limit)s * 3
)
SELECT DISTINCT f.incident_id, (SELECT count(*) FROM k) = %(limit)s * 3 AS is_cut
  FROM k
  JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
 LIMIT %(limit)s;

-- name: incident_find
SELECT i.*, coalesce(a.name, a.email) AS assignee_name
  FROM incidents i
  LEFT JOIN people a ON a.id = i.assignee_id
 WHERE i.project_id = %(project_id)s AND i.id = %(incident_id)s;

-- name: incident_list_grouping
-- Every fingerprint that leads to the incident, the oldest first, with who moved it here.
SELECT f.fingerprint, f.version, f.rule, f.reason, f.parts, f.event_count, f.first_seen, f.last_seen, f.environments,
       f.first_release, f.last_release, f.home_incident_id, f.moved_from, f.moved_at, f.moved_by, p.name AS moved_by_name,
       f.previous_fingerprint
  FROM incident_fingerprints f
  LEFT JOIN people p ON p.id = f.moved_by
 WHERE f.project_id = %(project_id)s AND f.incident_id = %(incident_id)s
   AND (%(after)s::timestamptz IS NULL OR (f.first_seen, f.fingerprint) > (%(after)s, %(after_id)s::uuid))
 ORDER BY f.first_seen, f.fingerprint
 LIMIT %(limit)s;

-- name: incident_lock
-- What is read of these incidents afterwards stays true until the transaction ends. Takes the locks of a merge, in their order.
SELECT lock_incidents(%(project_id)s, %(incident_ids)s::bigint[]);

-- name: incident_merge
-- See db/migrations/0004_merge.sql for its guarantees.
SELECT merge_incidents(%(project_id)s, %(incident_id)s, %(others)s::bigint[], %(person_id)s, %(fingerprints_max)s) AS refusal;

-- name: incident_split
-- See db/migrations/0004_merge.sql for its guarantees.
SELECT refusal, fingerprint, incident_id
  FROM split_incident(%(project_id)s, %(incident_id)s, %(fingerprints)s::uuid[], %(person_id)s);

-- name: incident_list_by_fingerprint
SELECT fingerprint, incident_id
  FROM incident_fingerprints
 WHERE project_id = %(project_id)s AND fingerprint = ANY (%(fingerprints)s::uuid[]);

-- name: incident_list_leading
-- Every fingerprint that leads to one of some incidents, and to which.
SELECT fingerprint, incident_id
  FROM incident_fingerprints
 WHERE project_id = %(project_id)s AND incident_id = ANY (%(incident_ids)s)
 ORDER BY fingerprint
 LIMIT %(limit)s;

-- name: incident_list_counts
-- For the trail: what some incidents are at this moment.
SELECT id, status, event_count
  FROM incidents
 WHERE project_id = %(project_id)s AND id = ANY (%(incident_ids)s)
 ORDER BY id;

-- name: incident_list_fingerprints
-- Why its events are together: every fingerprint that leads to the incident, the one with most events first.
SELECT fingerprint, version, rule, reason, parts, event_count, first_seen, last_seen
  FROM incident_fingerprints
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s
 ORDER BY event_count DESC, fingerprint
 LIMIT 100;

-- name: incident_update_status
-- Sets a status and clears what belonged to the one before, which is answered as was_…; no row where the incident is merged.
-- "until N more" is kept as the count at which it ends, and the release that a resolution is measured against as it is at this
-- moment: the incident's last one, or, for "in the next release", the newest of the project (by SemVer where the incident's own
-- parses, otherwise the one seen first last). One that is named instead has to be there, or null is kept.
WITH was AS MATERIALIZED (
  SELECT project_id, id, status, resolved_release, resolved_in_next_release, ignored_until, ignored_until_count
    FROM incidents
   WHERE project_id = %(project_id)s AND id = %(incident_id)s AND merged_into IS NULL
     FOR NO KEY UPDATE
)
UPDATE incidents i
   SET status = %(status)s,
       status_changed_at = clock_timestamp(),
       resolved_in_next_release = %(in_next_release)s,
       resolved_release = CASE WHEN %(status)s <> 'resolved' THEN NULL
                               WHEN %(resolved_release)s::text IS NOT NULL
                               THEN (SELECT r.release
                                       FROM releases r
                                      WHERE r.project_id = i.project_id AND r.release = %(resolved_release)s)
                               WHEN NOT %(in_next_release)s THEN i.last_release
                               ELSE (SELECT r.release
                                       FROM releases r
                                       LEFT JOIN releases own ON own.project_id = i.project_id AND own.release = i.last_release
                                      WHERE r.project_id = i.project_id
                                      ORDER BY CASE WHEN own.release_key IS NOT NULL THEN r.release_key END DESC NULLS LAST,
                                               r.first_seen DESC
                                      LIMIT 1) END,
       ignored_until = %(ignored_until)s,
       ignored_until_count = coalesce(%(ignored_until_count)s::bigint, i.event_count + %(ignored_events)s::bigint)
  FROM was
 WHERE i.project_id = was.project_id AND i.id = was.id
RETURNING i.*, was.status AS was_status, was.resolved_release AS was_resolved_release,
          was.resolved_in_next_release AS was_resolved_in_next_release,
          was.ignored_until AS was_ignored_until, was.ignored_until_count AS was_ignored_until_count;

-- name: incident_find_removal
-- The day on which the payloads of its newest events were removed; where their light rows have gone too, the last day on which
-- one can have been there. No row while there is a payload, nor for an incident that was merged and has no events.
SELECT coalesce(e.expires_on, expires_on(i.last_seen, p.retention_days)) + 1 AS removed_on
  FROM incidents i
  JOIN projects p ON p.id = i.project_id
 CROSS JOIN LATERAL (
       SELECT max(expires_on) AS expires_on
         FROM event_page(i.project_id, i.id, i.first_seen - interval '1 day', NULL, NULL, 10)) e
 WHERE i.project_id = %(project_id)s AND i.id = %(incident_id)s AND i.merged_into IS NULL
   AND coalesce(e.expires_on, expires_on(i.last_seen, p.retention_days)) < today()
   AND NOT EXISTS (SELECT FROM kept_payloads k
                     JOIN incident_fingerprints f ON f.project_id = k.project_id AND f.fingerprint = k.fingerprint
                    WHERE k.project_id = i.project_id AND f.incident_id = i.id);

-- name: incident_update_assignee
-- Answers who it was before; no row where the incident is merged.
WITH was AS MATERIALIZED (
  SELECT project_id, id, assignee_id
    FROM incidents
   WHERE project_id = %(project_id)s AND id = %(incident_id)s AND merged_into IS NULL
     FOR NO KEY UPDATE
)
UPDATE incidents i SET assignee_id = %(person_id)s
  FROM was
 WHERE i.project_id = was.project_id AND i.id = was.id
RETURNING was.assignee_id AS was_assignee_id;

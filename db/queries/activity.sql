-- name: activity_list
-- The newest first: what the incident did, and what was done to it. Merges and splits are of the incident that others were merged
-- into; names are of people who are still known.
SELECT * FROM (
  (SELECT t.created_at AS at, t.kind, t.release, t.environment, t.event_id, NULL AS actor_kind, NULL AS actor_name, NULL AS assignee_name,
          NULL::jsonb AS before, NULL::jsonb AS after
     FROM transitions t
    WHERE t.project_id = %(project_id)s AND t.incident_id = %(incident_id)s
    ORDER BY t.id DESC
    LIMIT %(limit)s)
   UNION ALL
  (SELECT a.at, a.action, NULL, NULL, NULL, a.actor_kind, coalesce(p.name, p.email), coalesce(q.name, q.email), a.before, a.after
     FROM audit_log a
     LEFT JOIN people p ON a.actor_kind = 'person' AND p.id = a.actor_id
     LEFT JOIN people q ON a.action = 'incident.assign' AND q.id = (a.after ->> 'assignee_id')::bigint
    WHERE a.workspace_id = %(workspace_id)s AND a.project_id = %(project_id)s AND a.object_id = %(incident_id)s::bigint::text
      AND a.action LIKE 'incident.%%'
    ORDER BY a.id DESC
    LIMIT %(limit)s)) found
 ORDER BY at DESC
 LIMIT %(limit)s;

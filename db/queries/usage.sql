-- name: usage_find_events
-- What a workspace has had recorded in a month, exactly: the sum over its projects, deleted ones too.
SELECT coalesce(sum(event_count), 0)::bigint AS event_count
  FROM usage
 WHERE workspace_id = %(workspace_id)s AND month = %(month)s;

-- name: usage_upsert
-- Adds what did not come with events; in the caller's transaction.
INSERT INTO usage AS u (workspace_id, month, project_id, shard, analysis_count, mail_count)
VALUES (%(workspace_id)s, date_trunc('month', now() AT TIME ZONE 'UTC')::date, %(project_id)s, shard(), %(analyses)s, %(mails)s)
ON CONFLICT (workspace_id, month, project_id, shard)
DO UPDATE SET analysis_count = u.analysis_count + excluded.analysis_count, mail_count = u.mail_count + excluded.mail_count;

-- name: usage_list_by_project
-- A project's months, the newest first.
SELECT month, sum(event_count)::bigint AS event_count, sum(payload_bytes)::bigint AS payload_bytes,
       sum(analysis_count)::bigint AS analysis_count, sum(mail_count)::bigint AS mail_count
  FROM usage
 WHERE workspace_id = %(workspace_id)s AND project_id = %(project_id)s
 GROUP BY month
 ORDER BY month DESC
 LIMIT %(limit)s;

-- name: usage_list_by_workspace
-- A month of a workspace by project, the one with most events first; a deleted project's account stays, without a name.
SELECT u.project_id, p.slug, p.name, sum(u.event_count)::bigint AS event_count, sum(u.payload_bytes)::bigint AS payload_bytes,
       sum(u.analysis_count)::bigint AS analysis_count, sum(u.mail_count)::bigint AS mail_count
  FROM usage u
  LEFT JOIN projects p ON p.workspace_id = u.workspace_id AND p.id = u.project_id
 WHERE u.workspace_id = %(workspace_id)s AND u.month = %(month)s
 GROUP BY u.project_id, p.slug, p.name
 ORDER BY 4 DESC, 1;

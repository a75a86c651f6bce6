-- name: key_find_by_hash
-- At most one row (key_hash is unique). What it answers is cached by each instance for seconds, see lib/keys.py.
SELECT k.project_id, k.id AS key_id, k.kind, k.rate_per_minute, k.allowed_origins, k.expires_at, p.workspace_id,
       p.retention_days, p.events_per_minute_max, w.events_per_month_max, w.person_hash_key,
       g.rules::text AS grouping_rules, r.rules::text AS redaction_rules
  FROM keys k
  JOIN projects p ON p.id = k.project_id
  JOIN workspaces w ON w.id = p.workspace_id
  LEFT JOIN project_rules g ON g.project_id = p.id AND g.kind = 'grouping'
  LEFT JOIN project_rules r ON r.project_id = p.id AND r.kind = 'redaction'
 WHERE k.key_hash = %(key_hash)s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
   AND p.deleted_at IS NULL;

-- name: key_insert
INSERT INTO keys (project_id, kind, name, prefix, key_hash, rate_per_minute, allowed_origins, created_by, expires_at)
VALUES (%(project_id)s, %(kind)s, %(name)s, %(prefix)s, %(key_hash)s, %(rate_per_minute)s, %(allowed_origins)s,
        %(created_by)s, %(expires_at)s)
RETURNING id, created_at;

-- name: key_update_revoked
-- Once: a key that was revoked before keeps its first time.
UPDATE keys SET revoked_at = now()
 WHERE project_id = %(project_id)s AND id = %(key_id)s AND revoked_at IS NULL
RETURNING id;

-- name: key_find_api_by_hash
-- At most one row. That the key is used is written down in the same statement, once in five minutes.
WITH found AS MATERIALIZED (
  SELECT k.project_id, k.id, k.scopes, p.workspace_id, k.last_used_at
    FROM keys k
    JOIN projects p ON p.id = k.project_id
   WHERE k.key_hash = %(key_hash)s AND k.kind = 'api' AND k.revoked_at IS NULL
     AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND p.deleted_at IS NULL
), used AS (
  UPDATE keys k
     SET last_used_at = clock_timestamp()
    FROM found f
   WHERE k.project_id = f.project_id AND k.id = f.id
     AND (f.last_used_at IS NULL OR f.last_used_at < clock_timestamp() - interval '5 minutes')
)
SELECT workspace_id, project_id, id AS key_id, scopes FROM found;

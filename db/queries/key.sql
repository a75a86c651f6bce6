-- name: key_find_by_hash
-- At most one row (key_hash is unique). What it answers is cached by each instance for seconds, see lib/keys.py. That the key is
-- used is written down in the same statement, once in five minutes.
WITH used AS (
  UPDATE keys
     SET last_used_at = clock_timestamp()
   WHERE key_hash = %(key_hash)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
     AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '5 minutes')
)
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
INSERT INTO keys (project_id, kind, name, prefix, key_hash, rate_per_minute, allowed_origins, scopes, created_by, expires_at,
                  rotated_from)
VALUES (%(project_id)s, %(kind)s, %(name)s, %(prefix)s, %(key_hash)s, %(rate_per_minute)s, %(allowed_origins)s, %(scopes)s,
        %(created_by)s, %(expires_at)s, %(rotated_from)s)
RETURNING id, created_at;

-- name: key_list_by_project
-- The newest first, by the primary key; ended ones too, so that the trail's numbers can be looked up. Never the hash.
SELECT k.id, k.kind, k.name, k.prefix, k.rate_per_minute, k.allowed_origins, k.scopes, k.created_at, k.last_used_at, k.expires_at,
       k.revoked_at, k.rotated_from, k.created_by, p.name AS created_by_name
  FROM keys k
  LEFT JOIN people p ON p.id = k.created_by
 WHERE k.project_id = %(project_id)s AND (%(after_id)s::bigint IS NULL OR k.id < %(after_id)s)
 ORDER BY k.id DESC
 LIMIT %(limit)s;

-- name: key_find
SELECT k.id, k.kind, k.name, k.prefix, k.rate_per_minute, k.allowed_origins, k.scopes, k.created_at, k.last_used_at, k.expires_at,
       k.revoked_at, k.rotated_from, k.created_by, p.name AS created_by_name
  FROM keys k
  LEFT JOIN people p ON p.id = k.created_by
 WHERE k.project_id = %(project_id)s AND k.id = %(key_id)s;

-- name: key_lock_project
-- Whoever makes or changes keys of a project waits here for those who are at it.
SELECT FROM projects WHERE id = %(project_id)s FOR NO KEY UPDATE;

-- name: key_count_live
SELECT count(*) AS live
  FROM keys
 WHERE project_id = %(project_id)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- name: key_update
-- A live key's settings; no row where it has ended.
UPDATE keys
   SET name = %(name)s, rate_per_minute = %(rate_per_minute)s, allowed_origins = %(allowed_origins)s, scopes = %(scopes)s,
       expires_at = %(expires_at)s
 WHERE project_id = %(project_id)s AND id = %(key_id)s AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > clock_timestamp())
RETURNING id;

-- name: key_update_expiry
-- It ends after so long, or when it would have ended anyway.
UPDATE keys
   SET expires_at = least(expires_at, clock_timestamp() + %(grace)s::interval)
 WHERE project_id = %(project_id)s AND id = %(key_id)s AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > clock_timestamp())
RETURNING expires_at;

-- name: key_find_successor
-- The key that was made when this one was rotated; ended or not.
SELECT id FROM keys WHERE project_id = %(project_id)s AND rotated_from = %(key_id)s LIMIT 1;

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

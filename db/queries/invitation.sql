-- name: invitation_list_by_workspace
-- Those that can still be accepted, the newest first, and what became of the mail of each.
SELECT i.id, i.email, i.role, i.created_at, i.expires_at, i.created_by, p.name AS created_by_name, d.state AS mail_state,
       d.last_error AS mail_error
  FROM invitations i
  LEFT JOIN people p ON p.id = i.created_by
  LEFT JOIN deliveries d ON d.workspace_id = i.workspace_id AND d.idempotency_key = 'invitation/' || i.id
 WHERE i.workspace_id = %(workspace_id)s AND i.accepted_at IS NULL AND i.revoked_at IS NULL
   AND i.expires_at > clock_timestamp() AND (%(after_id)s::bigint IS NULL OR i.id < %(after_id)s)
 ORDER BY i.id DESC
 LIMIT %(limit)s;

-- name: invitation_count_recent
-- How many a workspace has sent within a day, revoked and accepted ones too.
SELECT count(*) AS sent
  FROM invitations
 WHERE workspace_id = %(workspace_id)s AND created_at > clock_timestamp() - interval '1 day';

-- name: invitation_update_replaced
-- An earlier invitation of the same address, expired or not, ends with a new one.
UPDATE invitations
   SET revoked_at = clock_timestamp()
 WHERE workspace_id = %(workspace_id)s AND lower(email) = lower(%(email)s) AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: invitation_insert
INSERT INTO invitations (workspace_id, email, role, token_hash, created_by, expires_at)
VALUES (%(workspace_id)s, %(email)s, %(role)s, %(token_hash)s, %(created_by)s, clock_timestamp() + %(lifetime)s::interval)
RETURNING id, email, role, created_at, expires_at;

-- name: invitation_update_revoked
UPDATE invitations
   SET revoked_at = clock_timestamp()
 WHERE workspace_id = %(workspace_id)s AND id = %(invitation_id)s AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING id, email, role;

-- name: invitation_find_by_token
-- At most one row. Of a workspace that is there.
SELECT i.workspace_id, i.id, i.email, i.role, i.expires_at, w.name AS workspace_name, p.name AS invited_by,
       i.revoked_at IS NOT NULL AS is_revoked, i.accepted_at IS NOT NULL AS is_accepted,
       i.expires_at <= clock_timestamp() AS is_expired
  FROM invitations i
  JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN people p ON p.id = i.created_by
 WHERE i.token_hash = %(token_hash)s;

-- name: invitation_update_accepted
-- No row where it was accepted, revoked or replaced meanwhile.
UPDATE invitations
   SET accepted_at = clock_timestamp(), accepted_by = %(person_id)s
 WHERE workspace_id = %(workspace_id)s AND id = %(invitation_id)s AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING id;

-- name: invitation_find_workspace_name
SELECT name FROM workspaces WHERE id = %(workspace_id)s;

-- name: invitation_delete_ended
-- Those that were accepted, revoked or ran out so long ago: the address in them is of no use any more.
WITH gone AS (
  DELETE FROM invitations
   WHERE (workspace_id, id) IN (
         SELECT workspace_id, id
           FROM invitations
          WHERE least(accepted_at, revoked_at, expires_at) < now() - make_interval(days => %(days)s)
          LIMIT %(max_rows)s)
  RETURNING id
)
SELECT count(*)::int AS removed FROM gone;

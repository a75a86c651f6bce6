-- name: own_list_profile
SELECT p.id, p.clerk_user_id, p.email, p.name, p.created_at FROM people p
 WHERE p.id = %(person_id)s AND %(after)s::text[] IS NULL
 LIMIT %(limit)s;

-- name: own_list_memberships
SELECT m.workspace_id, w.slug, w.name, m.role, m.created_at
  FROM members m
  JOIN workspaces w ON w.id = m.workspace_id
 WHERE m.person_id = %(person_id)s AND (%(after)s::text[] IS NULL OR m.workspace_id > (%(after)s::text[])[1]::bigint)
 ORDER BY m.workspace_id
 LIMIT %(limit)s;

-- name: own_list_invitations
-- To the person's address, by them, or accepted by them. Whom they invited is told to the inviter alone.
SELECT i.workspace_id, i.id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, i.revoked_at,
       i.created_by IS NOT DISTINCT FROM p.id AS by_you
  FROM people p
  JOIN invitations i ON i.created_by = p.id OR i.accepted_by = p.id OR lower(i.email) = lower(p.email)
 WHERE p.id = %(person_id)s
   AND (%(after)s::text[] IS NULL OR (i.workspace_id, i.id) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::bigint))
 ORDER BY i.workspace_id, i.id
 LIMIT %(limit)s;

-- name: own_list_changes
-- That they changed something, when and from where; what it was like before and after is the workspace's.
SELECT a.workspace_id, a.id, a.at, a.project_id, a.action, a.object_id, a.address
  FROM audit_log a
 WHERE a.actor_kind = 'person' AND a.actor_id = %(person_id)s
   AND (%(after)s::text[] IS NULL OR (a.workspace_id, a.id) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::bigint))
 ORDER BY a.workspace_id, a.id
 LIMIT %(limit)s;

-- name: own_list_refusals
SELECT r.workspace_id, r.minute, r.action, r.address, r.attempts
  FROM audit_refusals r
 WHERE r.actor_kind = 'person' AND r.actor_id = %(person_id)s
   AND (%(after)s::text[] IS NULL OR (r.workspace_id, r.minute, r.action)
        > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::timestamptz, (%(after)s::text[])[3]))
 ORDER BY r.workspace_id, r.minute, r.action
 LIMIT %(limit)s;

-- name: own_list_keys
-- Never the hashes of keys.
SELECT k.project_id, k.id, k.kind, k.name, k.prefix, k.created_at, k.last_used_at, k.expires_at, k.revoked_at
  FROM keys k
 WHERE k.created_by = %(person_id)s
   AND (%(after)s::text[] IS NULL OR (k.project_id, k.id) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::bigint))
 ORDER BY k.project_id, k.id
 LIMIT %(limit)s;

-- name: own_list_made
-- Whatever else names the person: what, in which project or workspace (place_id), which of it, when.
SELECT t.kind, t.place_id, t.object_id, t.at
  FROM (SELECT 'alert rule made' AS kind, project_id AS place_id, id::text AS object_id, created_at AS at
          FROM alert_rules WHERE created_by = %(person_id)s
         UNION ALL SELECT 'channel made', project_id, id::text, created_at FROM channels WHERE created_by = %(person_id)s
         UNION ALL SELECT 'search kept', project_id, id::text, created_at FROM saved_views WHERE created_by = %(person_id)s
         UNION ALL SELECT 'rules changed last', project_id, r.kind, updated_at FROM project_rules r WHERE updated_by = %(person_id)s
         UNION ALL SELECT 'analysis settings changed last', project_id, version::text, updated_at
                     FROM analysis_options WHERE updated_by = %(person_id)s
         UNION ALL SELECT 'hold placed', project_id, id::text, placed_at FROM legal_holds WHERE placed_by = %(person_id)s
         UNION ALL SELECT 'hold ended', project_id, id::text, ended_at FROM legal_holds WHERE ended_by = %(person_id)s
         UNION ALL SELECT 'erasure requested', workspace_id, id::text, requested_at FROM erasures WHERE requested_by = %(person_id)s
         UNION ALL SELECT 'export requested', workspace_id, id::text, requested_at FROM exports WHERE requested_by = %(person_id)s
         UNION ALL SELECT 'incident assigned to you', project_id, id::text, NULL FROM incidents WHERE assignee_id = %(person_id)s
         UNION ALL SELECT 'incident merged or split', project_id, fingerprint::text, moved_at
                     FROM incident_fingerprints WHERE moved_by = %(person_id)s
         UNION ALL SELECT 'suggestion dismissed', project_id, incident_id || '/' || other_id, dismissed_at
                     FROM dismissed_suggestions WHERE dismissed_by = %(person_id)s
         UNION ALL SELECT 'address asked to confirm', workspace_id, address, asked_at FROM addresses WHERE asked_by = %(person_id)s
       ) t
 WHERE %(after)s::text[] IS NULL
    OR (t.kind, t.place_id, t.object_id) > ((%(after)s::text[])[1], (%(after)s::text[])[2]::bigint, (%(after)s::text[])[3])
 ORDER BY t.kind, t.place_id, t.object_id
 LIMIT %(limit)s;

-- name: own_list_ratings
SELECT a.project_id, a.id, a.incident_id, a.requested_by IS NOT DISTINCT FROM %(person_id)s AS asked_by_you, a.created_at,
       CASE WHEN a.rated_by = %(person_id)s THEN a.helpful END AS helpful,
       CASE WHEN a.rated_by = %(person_id)s THEN a.rated_at END AS rated_at,
       CASE WHEN a.corrected_by = %(person_id)s THEN a.correction END AS correction,
       CASE WHEN a.corrected_by = %(person_id)s THEN a.corrected_at END AS corrected_at
  FROM analyses a
 WHERE (a.requested_by = %(person_id)s OR a.rated_by = %(person_id)s OR a.corrected_by = %(person_id)s)
   AND (%(after)s::text[] IS NULL OR (a.project_id, a.id) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::bigint))
 ORDER BY a.project_id, a.id
 LIMIT %(limit)s;

-- name: own_list_addresses
-- By the verified address that the sign-in service told.
SELECT t.kind, t.place_id, t.object_id, t.at
  FROM people p
 CROSS JOIN LATERAL (
       SELECT 'workspace' AS kind, workspace_id AS place_id, address AS object_id, confirmed_at AS at
         FROM addresses WHERE address = lower(p.email)
        UNION ALL
       SELECT 'channel of a project', project_id, channel_id::text, unsubscribed_at FROM recipients WHERE address = lower(p.email)) t
 WHERE p.id = %(person_id)s
   AND (%(after)s::text[] IS NULL
        OR (t.kind, t.place_id, t.object_id) > ((%(after)s::text[])[1], (%(after)s::text[])[2]::bigint, (%(after)s::text[])[3]))
 ORDER BY t.kind, t.place_id, t.object_id
 LIMIT %(limit)s;

-- name: own_list_messages
SELECT d.workspace_id, d.id, d.purpose, d.recipient, d.state, d.created_at, d.finished_at
  FROM people p
  JOIN deliveries d ON lower(d.recipient) = lower(p.email) AND d.recipient IS NOT NULL
 WHERE p.id = %(person_id)s
   AND (%(after)s::text[] IS NULL OR (d.workspace_id, d.id) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]::uuid))
 ORDER BY d.workspace_id, d.id
 LIMIT %(limit)s;

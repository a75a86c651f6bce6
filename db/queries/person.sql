-- name: person_find_by_clerk
-- Also one whose account has been deleted: of them only a hash of the id is kept, so that nothing late makes them anew.
SELECT id, email, name, deleted_at IS NOT NULL AS is_deleted
  FROM people
 WHERE clerk_user_id IN (%(clerk_user_id)s::text, 'deleted:' || encode(sha256(convert_to(%(clerk_user_id)s::text, 'UTF8')), 'hex'));

-- name: person_insert
-- No row where somebody else was quicker.
INSERT INTO people (clerk_user_id, email, name, clerk_updated_at)
VALUES (%(clerk_user_id)s, %(email)s, %(name)s, %(as_of)s)
ON CONFLICT (clerk_user_id) DO NOTHING
RETURNING id, email, name;

-- name: person_update
-- What the sign-in service tells of a person; what it does not tell stays. No row where something newer is known.
UPDATE people
   SET email = coalesce(%(email)s, email), name = coalesce(%(name)s, name), clerk_updated_at = %(as_of)s
 WHERE id = %(person_id)s AND (clerk_updated_at IS NULL OR clerk_updated_at <= %(as_of)s)
RETURNING id, email, name;

-- name: person_lock
-- Whoever makes a workspace of theirs waits here for another request that is at it.
SELECT FROM people WHERE id = %(person_id)s FOR NO KEY UPDATE;

-- name: person_find_clerk_id
SELECT clerk_user_id FROM people WHERE id = %(person_id)s AND deleted_at IS NULL;

-- name: person_list_memberships
-- With whoever could take over: the other owners, and the admin, else the member, who has been there longest.
SELECT m.workspace_id, w.name, m.role,
       EXISTS (SELECT FROM members o
                WHERE o.workspace_id = m.workspace_id AND o.person_id <> m.person_id AND o.role = 'owner') AS has_other_owner,
       h.person_id AS heir_id, h.name AS heir_name
  FROM members m
  JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN LATERAL (
       SELECT o.person_id, p.name
         FROM members o
         JOIN people p ON p.id = o.person_id
        WHERE o.workspace_id = m.workspace_id AND o.person_id <> m.person_id AND o.role IN ('admin', 'member')
        ORDER BY o.role = 'admin' DESC, o.created_at, o.person_id
        LIMIT 1) h ON true
 WHERE m.person_id = %(person_id)s
 ORDER BY m.workspace_id;

-- name: person_list_deleted
-- For a file beside the backups: numbers, and hashes of what the sign-in service calls them.
SELECT id AS person_id, substr(clerk_user_id, length('deleted:') + 1) AS clerk_hash, deleted_at
  FROM people
 WHERE deleted_at IS NOT NULL
 ORDER BY id;

-- name: person_find_by_hash
SELECT id FROM people
 WHERE id = %(person_id)s AND deleted_at IS NULL
   AND encode(sha256(convert_to(clerk_user_id, 'UTF8')), 'hex') = %(clerk_hash)s;

-- name: person_delete_invitations
-- Those to their address, whatever became of them. By index invitations_by_address.
DELETE FROM invitations WHERE lower(email) = lower(%(email)s);

-- name: person_update_channels
-- Nothing leads to their address any more.
UPDATE channels
   SET target = '{"address": "deleted"}', disabled_at = coalesce(disabled_at, clock_timestamp()),
       disabled_reason = coalesce(disabled_reason, 'The account of this address was deleted.')
 WHERE kind = 'email' AND lower(target ->> 'address') = lower(%(email)s);

-- name: person_delete_mails
-- Their address stands in no message and in no list of addresses any more; what was not sent yet is not sent. A channel that
-- leads to it has to have it confirmed anew.
WITH asked AS (
  DELETE FROM addresses WHERE lower(address) = lower(%(email)s)
), told AS (
  DELETE FROM recipients WHERE lower(address) = lower(%(email)s)
)
UPDATE deliveries
   SET recipient = 'deleted', content = NULL,
       state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END,
       finished_at = coalesce(finished_at, clock_timestamp()), next_try_at = NULL, leased_until = NULL
 WHERE lower(recipient) = lower(%(email)s);

-- name: person_delete_keys_kept
-- What they were answered, and answers to others that quote their address.
DELETE FROM idempotency_keys
 WHERE (actor_kind = 'person' AND actor_id = %(person_id)s) OR lower(answer ->> 'email') = lower(%(email)s);

-- name: person_delete_memberships
-- Also of workspaces that are deleted and not gone yet.
DELETE FROM members WHERE person_id = %(person_id)s;

-- name: person_update_forgotten
SELECT forget_person_in_trail(%(person_id)s);

-- name: person_update_deleted
-- The row stays as a pseudonym for what the trail tells of it.
UPDATE people
   SET clerk_user_id = 'deleted:' || encode(sha256(convert_to(clerk_user_id, 'UTF8')), 'hex'), email = NULL, name = NULL,
       deleted_at = clock_timestamp()
 WHERE id = %(person_id)s AND deleted_at IS NULL
RETURNING id;

-- name: person_list_projects
-- One row a project that the person can reach; a workspace without projects, and a person without workspaces, have one too.
SELECT pe.id AS person_id, pe.name AS person_name, pe.email AS person_email, w.id AS workspace_id, w.slug AS workspace_slug,
       w.name AS workspace_name, m.role, p.id AS project_id, p.slug AS project_slug, p.name AS project_name,
       p.repository AS project_repository
  FROM people pe
  LEFT JOIN (members m JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL) ON m.person_id = pe.id
  LEFT JOIN projects p ON p.workspace_id = w.id AND p.deleted_at IS NULL
 WHERE pe.id = %(person_id)s
 ORDER BY w.name, w.id, p.name, p.id;

-- name: person_find
SELECT id, email, name FROM people WHERE id = %(person_id)s;

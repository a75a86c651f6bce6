-- name: delivery_insert
-- Nothing is done where the workspace has one of this key already.
INSERT INTO deliveries (workspace_id, id, project_id, channel_id, purpose, kind, recipient, content, idempotency_key, incident_ids,
                        created_at, next_try_at)
VALUES (%(workspace_id)s, %(id)s, %(project_id)s, %(channel_id)s, %(purpose)s, %(kind)s, %(recipient)s, %(content)s::jsonb,
        %(idempotency_key)s, %(incident_ids)s::bigint[], coalesce(%(now)s::timestamptz, clock_timestamp()),
        coalesce(%(now)s, clock_timestamp()))
ON CONFLICT (workspace_id, idempotency_key) DO NOTHING
RETURNING id;

-- name: delivery_claim
-- What is due of these kinds, the longest due first, at most `each` of one workspace at a time by anybody, so that a tenant whose
-- receivers hang keeps nobody else's waiting. Workspaces are found by hops through the index of what is pending. In the same statement the
-- lease begins, its token is counted and the try is written down; what others hold at this moment is skipped. A mail stays from whom
-- its first try was.
WITH RECURSIVE waiting AS (
  (SELECT d.workspace_id FROM deliveries d WHERE d.state = 'pending' ORDER BY d.workspace_id LIMIT 1)
   UNION ALL
  SELECT (SELECT d.workspace_id FROM deliveries d
           WHERE d.state = 'pending' AND d.workspace_id > w.workspace_id ORDER BY d.workspace_id LIMIT 1)
    FROM waiting w
   WHERE w.workspace_id IS NOT NULL
), chosen AS MATERIALIZED (
  SELECT due.workspace_id, due.id, row_number() OVER (ORDER BY due.next_try_at, due.id) AS place
    FROM waiting w
   CROSS JOIN LATERAL (
         SELECT d.workspace_id, d.id, d.next_try_at
           FROM deliveries d
          WHERE d.workspace_id = w.workspace_id AND d.state = 'pending' AND d.next_try_at <= %(now)s
            AND d.kind = ANY (%(kinds)s::text[])
          ORDER BY d.next_try_at
          LIMIT greatest(0, %(each)s::bigint - (
                  SELECT count(*) FROM deliveries h
                   WHERE h.workspace_id = w.workspace_id AND h.state = 'pending' AND h.next_try_at > %(now)s
                     AND h.leased_until > %(now)s AND h.kind = ANY (%(kinds)s)))
            FOR UPDATE SKIP LOCKED) due
   WHERE w.workspace_id IS NOT NULL
   ORDER BY place
   LIMIT %(limit)s
), claimed AS (
  UPDATE deliveries d
     SET tries = d.tries + 1, next_try_at = %(leased_until)s, leased_until = %(leased_until)s,
         first_tried_at = coalesce(d.first_tried_at, %(now)s),
         sender = CASE WHEN d.kind = 'email' THEN coalesce(d.sender, %(sender)s) END
    FROM chosen
   WHERE d.workspace_id = chosen.workspace_id AND d.id = chosen.id
  RETURNING d.*, chosen.place
), written AS (
  INSERT INTO attempts (workspace_id, delivery_id, number, started_at)
  SELECT workspace_id, id, tries, %(now)s FROM claimed
)
SELECT d.workspace_id, d.id, d.project_id, d.channel_id, d.kind, d.recipient, d.sender, d.content, d.tries AS token,
       d.tries - d.tries_before AS number, d.first_tried_at, d.erased_at, c.target
  FROM claimed d
  LEFT JOIN channels c ON c.project_id = d.project_id AND c.id = d.channel_id
 ORDER BY d.place;

-- name: delivery_update_tried
-- What became of a try. The delivery itself is changed only by whoever holds its last token: no row is answered to a worker whose
-- lease went to another one. What was no try of its schedule is not counted. The channel keeps count of failures in a row; they
-- are answered as it has them then.
WITH ended AS (
  UPDATE attempts
     SET finished_at = %(now)s, outcome = %(outcome)s, error = %(error)s
   WHERE workspace_id = %(workspace_id)s AND delivery_id = %(id)s AND number = %(token)s AND finished_at IS NULL
), changed AS (
  UPDATE deliveries d
     SET state = %(state)s, next_try_at = %(next_try_at)s, leased_until = NULL, last_error = %(error)s,
         tries_before = d.tries_before + CASE WHEN %(is_try)s THEN 0 ELSE 1 END,
         provider_id = %(provider_id)s, content = CASE WHEN %(state)s <> 'sent' THEN d.content END,
         finished_at = CASE WHEN %(state)s <> 'pending' THEN %(now)s::timestamptz END
   WHERE d.workspace_id = %(workspace_id)s AND d.id = %(id)s AND d.tries = %(token)s AND d.state = 'pending'
  RETURNING d.project_id, d.channel_id
), counted AS (
  UPDATE channels c
     SET failures = CASE WHEN %(outcome)s = 'sent' THEN 0 ELSE c.failures + 1 END,
         failing_since = CASE WHEN %(outcome)s <> 'sent' THEN coalesce(c.failing_since, %(now)s) END
    FROM changed
   WHERE c.project_id = changed.project_id AND c.id = changed.channel_id
     AND (%(outcome)s <> 'sent' OR c.failing_since IS NOT NULL) AND %(is_try)s
  RETURNING c.failures, c.failing_since
)
SELECT counted.failures, counted.failing_since FROM changed LEFT JOIN counted ON true;

-- name: delivery_find_sent_mail
-- Whether any mail was taken since then: then it is not the provider that fails.
SELECT EXISTS (SELECT FROM deliveries d WHERE d.kind = 'email' AND d.state = 'sent' AND d.finished_at > %(since)s
                  AND d.created_at > %(since)s - interval '1 day') AS is_working;

-- name: delivery_update_channel_disabled
-- Once: no row where somebody did so before.
UPDATE channels c
   SET disabled_at = %(now)s, disabled_reason = %(reason)s
  FROM projects p
 WHERE c.project_id = %(project_id)s AND c.id = %(channel_id)s AND c.disabled_at IS NULL AND p.id = c.project_id
RETURNING c.name, p.name AS project_name;

-- name: delivery_update_ended
-- What waits to be tried again for a channel that was switched off or muted is dead, and can be sent again. A statement of its own,
-- after the one that changes the channel's row: whoever makes an alert's delivery has that row's lock, and what it made is seen here.
UPDATE deliveries d
   SET state = 'dead', next_try_at = NULL, leased_until = NULL, finished_at = coalesce(%(now)s::timestamptz, clock_timestamp()),
       last_error = %(reason)s
 WHERE d.project_id = %(project_id)s AND d.channel_id = %(channel_id)s AND d.state = 'pending'
   AND (%(purpose)s::text IS NULL OR d.purpose = %(purpose)s);

-- name: delivery_list_admins
-- Who is told of what concerns a workspace: its owners and admins, by their own addresses.
SELECT DISTINCT lower(pe.email) AS address
  FROM members m
  JOIN people pe ON pe.id = m.person_id
 WHERE m.workspace_id = %(workspace_id)s AND m.role IN ('owner', 'admin') AND pe.email IS NOT NULL
 ORDER BY 1;

-- name: delivery_delete_old
-- Deliveries that ended some time ago, with their attempts; none of a project that is held.
DELETE FROM deliveries WHERE (workspace_id, id) IN (
  SELECT workspace_id, id FROM deliveries
   WHERE created_at < %(before)s AND state <> 'pending' AND (project_id IS NULL OR NOT is_project_held(project_id))
   ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED);

-- name: delivery_list
-- A project's deliveries, the newest first, by index deliveries_by_project.
SELECT d.id, d.channel_id, d.purpose, d.kind, d.recipient, d.state, d.created_at, d.next_try_at,
       coalesce(d.leased_until > clock_timestamp(), false) AS sending, d.tries, d.last_error, d.provider_id, d.finished_at,
       d.incident_ids
  FROM deliveries d
 WHERE d.project_id = %(project_id)s
   AND (%(delivery_id)s::uuid IS NULL OR d.id = %(delivery_id)s)
   AND (%(state)s::text IS NULL OR d.state = %(state)s)
   AND (%(channel_id)s::bigint IS NULL OR d.channel_id = %(channel_id)s)
   AND (%(after)s::timestamptz IS NULL OR (d.created_at, d.id) < (%(after)s, %(after_id)s::uuid))
 ORDER BY d.created_at DESC, d.id DESC
 LIMIT %(limit)s;

-- name: delivery_list_attempts
SELECT a.number, a.started_at, a.finished_at, a.outcome, a.error
  FROM attempts a
 WHERE a.workspace_id = %(workspace_id)s AND a.delivery_id = %(delivery_id)s
 ORDER BY a.number;

-- name: delivery_update_again
-- A dead one goes through its schedule anew, as it was rendered; no row where it is not dead, or nobody is there to get it any
-- more: the channel is gone or switched off; a channel's mail would go to somebody who has ended them, or is neither a member any more nor agreed;
-- the link that asks an address is over; whoever was told of the workspace is no owner or admin of it any more.
UPDATE deliveries d
   SET state = 'pending', next_try_at = clock_timestamp(), tries_before = d.tries, first_tried_at = NULL, finished_at = NULL,
       sender = NULL
 WHERE d.project_id = %(project_id)s AND d.id = %(delivery_id)s AND d.state = 'dead' AND d.content IS NOT NULL
   AND NOT EXISTS (SELECT FROM channels c
                    WHERE c.project_id = d.project_id AND c.id = d.channel_id AND c.disabled_at IS NOT NULL)
   AND CASE
         WHEN d.kind <> 'email' THEN EXISTS (SELECT FROM channels c WHERE c.project_id = d.project_id AND c.id = d.channel_id)
         WHEN d.purpose IN ('alert', 'test') THEN
              EXISTS (SELECT FROM recipients r
                       WHERE r.project_id = d.project_id AND r.channel_id = d.channel_id AND r.address = d.recipient
                         AND r.unsubscribed_at IS NULL)
              AND (EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                            WHERE m.workspace_id = d.workspace_id AND lower(pe.email) = d.recipient)
                   OR EXISTS (SELECT FROM addresses a
                               WHERE a.workspace_id = d.workspace_id AND a.address = d.recipient AND a.confirmed_at IS NOT NULL))
         WHEN d.purpose = 'address_confirmation' THEN
              EXISTS (SELECT FROM addresses a
                       WHERE a.workspace_id = d.workspace_id AND a.address = d.recipient
                         AND d.idempotency_key = d.purpose || '/' || encode(a.token_hash, 'hex')
                         AND a.token_expires_at > clock_timestamp())
              OR EXISTS (SELECT FROM recipients r
                          WHERE r.project_id = d.project_id AND r.address = d.recipient
                            AND d.idempotency_key = d.purpose || '/' || encode(r.again_hash, 'hex')
                            AND r.again_expires_at > clock_timestamp())
         ELSE EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                       WHERE m.workspace_id = d.workspace_id AND m.role IN ('owner', 'admin') AND lower(pe.email) = d.recipient)
       END
RETURNING d.id;

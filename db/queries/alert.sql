-- name: alert_claim_transitions
-- The oldest that are not followed up, with the event that each came with; locked until the transaction ends, so that sweeps at
-- once take different ones. First the transitions, then their events: the partitions of these are found by their keys.
-- told_kind: what rules know it by; what appeared in an environment is new or regressed there, as its episode began. episode: the
-- transition that began it; 0 of what a split has made.
WITH taken AS MATERIALIZED (
  SELECT t.project_id, t.id, t.incident_id, t.kind, t.event_id, t.release, t.environment, t.created_at
    FROM transitions t
   WHERE t.handled_at IS NULL AND t.created_at <= %(now)s
   ORDER BY t.created_at
   LIMIT %(limit)s
     FOR NO KEY UPDATE SKIP LOCKED
)
SELECT t.*, CASE WHEN t.kind = 'appeared' THEN coalesce(b.kind, 'new') ELSE t.kind END AS told_kind, coalesce(b.id, 0) AS episode,
       coalesce(i.merged_into, i.id) AS told_incident_id, i.status, i.level, i.title, e.service, e.route,
       e.level AS event_level, p.deleted_at IS NOT NULL AS is_deleted
  FROM taken t
  JOIN projects p ON p.id = t.project_id
  JOIN incidents i ON i.project_id = t.project_id AND i.id = t.incident_id
  LEFT JOIN LATERAL (
       SELECT w.id, w.kind
         FROM transitions w
        WHERE w.project_id = t.project_id AND w.incident_id = t.incident_id AND w.id <= t.id AND w.kind IN ('new', 'regressed')
        ORDER BY w.id DESC
        LIMIT 1) b ON true
  LEFT JOIN event_ids k ON k.project_id = t.project_id AND k.event_id = t.event_id
  LEFT JOIN events e ON e.project_id = k.project_id AND e.fingerprint = k.fingerprint AND e.received_at = k.received_at
                    AND e.event_id = k.event_id
 ORDER BY t.created_at, t.id;

-- name: alert_update_handled
UPDATE transitions t
   SET handled_at = %(now)s
  FROM unnest(%(project_ids)s::bigint[], %(ids)s::bigint[]) AS w (project_id, id)
 WHERE t.project_id = w.project_id AND t.id = w.id;

-- name: alert_list_rules
-- Rules that may find something now, with the channels that may be told: neither switched off nor muted.
SELECT r.project_id, r.id, r.name, r.conditions, r.filters, r.quiet_hours, r.created_at,
       array(SELECT c.id FROM alert_rule_channels l
               JOIN channels c ON c.project_id = l.project_id AND c.id = l.channel_id
              WHERE l.project_id = r.project_id AND l.rule_id = r.id AND c.disabled_at IS NULL
                AND (c.muted_until IS NULL OR c.muted_until <= %(now)s)
              ORDER BY c.id) AS channel_ids
  FROM alert_rules r
 WHERE r.project_id = %(project_id)s AND r.enabled AND (r.muted_until IS NULL OR r.muted_until <= %(now)s)
 ORDER BY r.id;

-- name: alert_insert
-- At most one for each transition and channel, however many rules find it: each stands behind it, and it is due with the earliest.
WITH found AS (
  INSERT INTO alerts AS a (project_id, channel_id, rule_id, incident_id, transition_id, kind, reason, event_id, environment, release,
                           created_at, due_at)
  SELECT %(project_id)s, c, %(rule_id)s, %(incident_id)s, %(transition_id)s, %(kind)s, %(reason)s, %(event_id)s::uuid,
         %(environment)s, %(release)s, %(now)s, %(due_at)s
    FROM unnest(%(channel_ids)s::bigint[]) AS c
  ON CONFLICT (project_id, channel_id, transition_id)
  DO UPDATE SET due_at = least(a.due_at, excluded.due_at) WHERE a.told_at IS NULL AND a.dropped_at IS NULL
  RETURNING a.project_id, a.id
)
INSERT INTO alert_findings (project_id, alert_id, rule_id, due_at)
SELECT project_id, id, %(rule_id)s, %(due_at)s FROM found
ON CONFLICT DO NOTHING;

-- name: alert_claim_watches
-- Projects that were not looked at for a while, the longest first; each counts as looked at now. checked_at: when it was before.
-- is_active: something happened lately, so that there is something to be seen.
WITH due AS MATERIALIZED (
  SELECT w.project_id, w.checked_at
    FROM alert_watches w
   WHERE w.checked_at <= %(before)s
   ORDER BY w.checked_at
   LIMIT %(limit)s
     FOR NO KEY UPDATE SKIP LOCKED
), looked AS (
  UPDATE alert_watches w SET checked_at = %(now)s FROM due WHERE w.project_id = due.project_id
  RETURNING w.project_id, due.checked_at
)
SELECT l.project_id, l.checked_at,
       EXISTS (SELECT FROM projects p WHERE p.id = l.project_id AND p.deleted_at IS NULL)
       AND EXISTS (SELECT FROM incidents i WHERE i.project_id = l.project_id AND i.last_seen >= %(since)s) AS is_active
  FROM looked l
 ORDER BY l.checked_at;

-- name: alert_update_watches
-- These were not looked at, after all: they wait since when they did.
UPDATE alert_watches w
   SET checked_at = b.checked_at
  FROM unnest(%(project_ids)s::bigint[], %(checked_at)s::timestamptz[]) AS b (project_id, checked_at)
 WHERE w.project_id = b.project_id;

-- name: alert_list_active
-- Incidents of the project that had events lately, the latest first: those whose people and milestones may have changed.
SELECT i.id, i.level, i.environments, i.event_count, i.people_count, i.first_seen
  FROM incidents i
 WHERE i.project_id = %(project_id)s AND i.last_seen >= %(since)s AND i.merged_into IS NULL AND i.status <> 'ignored'
 ORDER BY i.last_seen DESC, i.id DESC
 LIMIT %(limit)s;

-- name: alert_list_frequent
-- Incidents with more than so many events received since then, as the filters have them; counted by the key of each day's
-- partition, and no further than is needed to know.
SELECT i.id, i.level, n.environment, n.release, n.event_id
  FROM (SELECT i.project_id, i.id, i.level
          FROM incidents i
         WHERE i.project_id = %(project_id)s AND i.last_seen >= %(since)s::timestamptz - interval '1 hour' AND i.merged_into IS NULL
           AND i.status <> 'ignored' AND i.event_count > %(more_than)s::bigint
         ORDER BY i.last_seen DESC, i.id DESC
         LIMIT %(limit)s) i
 CROSS JOIN LATERAL (
       SELECT count(*) AS event_count, (array_agg(c.environment))[1] AS environment, (array_agg(c.release))[1] AS release,
              (array_agg(c.event_id))[1] AS event_id
         FROM (SELECT e.environment, e.release, e.event_id
                 FROM incident_fingerprints f
                 JOIN events e ON e.project_id = f.project_id AND e.fingerprint = f.fingerprint
                WHERE f.project_id = i.project_id AND f.incident_id = i.id
                  AND e.received_at > %(since)s::timestamptz AND e.received_at <= %(now)s::timestamptz
                  AND (%(environments)s::text[] IS NULL
                       OR coalesce(e.environment, 'production') ILIKE ANY (%(environments)s))
                  AND (%(levels)s::text[] IS NULL OR e.level = ANY (%(levels)s))
                  AND (%(releases)s::text[] IS NULL OR e.release ILIKE ANY (%(releases)s))
                  AND (%(services)s::text[] IS NULL OR e.service ILIKE ANY (%(services)s))
                  AND (%(routes)s::text[] IS NULL OR e.route ILIKE ANY (%(routes)s))
                LIMIT %(more_than)s::bigint + 1) c
       ) n
 WHERE n.event_count > %(more_than)s::bigint;

-- name: alert_list_unusual
-- Incidents older than a day with at least `times` the events that as many minutes usually have, and at least `least` of them.
-- Usual: the mean of the week before, by hourly counts; what lies within the window does not teach it.
SELECT i.id, i.level, n.event_count, u.usual, n.environment, n.release, n.event_id
  FROM (SELECT i.project_id, i.id, i.level, least(168, extract(epoch FROM %(since)s::timestamptz - i.first_seen) / 3600) AS hours
          FROM incidents i
         WHERE i.project_id = %(project_id)s AND i.last_seen >= %(since)s::timestamptz - interval '1 hour' AND i.merged_into IS NULL
           AND i.status = ANY (%(statuses)s::text[]) AND i.event_count >= %(least)s::bigint
           AND i.first_seen <= %(now)s::timestamptz - interval '1 day'
           AND (%(quiet_since)s::timestamptz IS NULL OR i.escalated_at IS NULL OR i.escalated_at <= %(quiet_since)s)
         ORDER BY i.last_seen DESC, i.id DESC
         LIMIT %(limit)s) i
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(c.event_count), 0) / greatest(i.hours, 1) * %(minutes)s::bigint / 60.0 AS usual
         FROM incident_fingerprints f
         JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
        WHERE f.project_id = i.project_id AND f.incident_id = i.id
          AND c.hour >= date_trunc('hour', %(since)s::timestamptz) - interval '168 hours'
          AND c.hour < date_trunc('hour', %(since)s::timestamptz)
          AND (%(environments)s::text[] IS NULL
               OR coalesce(nullif(c.environment, ''), 'production') ILIKE ANY (%(environments)s))
          AND (%(releases)s::text[] IS NULL OR c.release ILIKE ANY (%(releases)s))
       ) u
 CROSS JOIN LATERAL (
       SELECT count(*) AS event_count, (array_agg(c.environment))[1] AS environment, (array_agg(c.release))[1] AS release,
              (array_agg(c.event_id))[1] AS event_id
         FROM (SELECT e.environment, e.release, e.event_id
                 FROM incident_fingerprints f
                 JOIN events e ON e.project_id = f.project_id AND e.fingerprint = f.fingerprint
                WHERE f.project_id = i.project_id AND f.incident_id = i.id
                  AND e.received_at > %(since)s::timestamptz AND e.received_at <= %(now)s::timestamptz
                  AND (%(environments)s::text[] IS NULL
                       OR coalesce(e.environment, 'production') ILIKE ANY (%(environments)s))
                  AND (%(releases)s::text[] IS NULL OR e.release ILIKE ANY (%(releases)s))
                LIMIT least(%(counted_max)s::bigint, greatest(%(least)s::bigint, ceil(u.usual * %(times)s::bigint)))) c
       ) n
 WHERE n.event_count >= least(%(counted_max)s::bigint, greatest(%(least)s::bigint, u.usual * %(times)s::bigint));

-- name: alert_list_states
SELECT incident_id, condition, value
  FROM alert_states
 WHERE project_id = %(project_id)s AND rule_id = %(rule_id)s AND incident_id = ANY (%(incident_ids)s);

-- name: alert_upsert_state
-- No row where it was told already: that high, or since `before`. Who asks at the same time waits, and then gets none.
INSERT INTO alert_states AS s (project_id, rule_id, incident_id, condition, value, at)
VALUES (%(project_id)s, %(rule_id)s, %(incident_id)s, %(condition)s, %(value)s, %(now)s)
ON CONFLICT (project_id, rule_id, incident_id, condition)
DO UPDATE SET value = excluded.value, at = excluded.at
   WHERE CASE WHEN %(before)s::timestamptz IS NULL THEN s.value < excluded.value ELSE s.at <= %(before)s END
RETURNING incident_id;

-- name: alert_insert_escalation
-- Once in so long: no row where the incident has escalated since, or is no longer open.
WITH escalated AS (
  UPDATE incidents i
     SET escalated_at = %(now)s
   WHERE i.project_id = %(project_id)s AND i.id = %(incident_id)s AND i.status = 'open' AND i.merged_into IS NULL
     AND (i.escalated_at IS NULL OR i.escalated_at <= %(before)s)
  RETURNING i.project_id, i.id
)
INSERT INTO transitions (project_id, incident_id, kind, event_id, release, environment, created_at)
SELECT project_id, id, 'escalated', %(event_id)s::uuid, %(release)s, %(environment)s, %(now)s FROM escalated
RETURNING id;

-- name: alert_claim_waiting
-- All that is due of one channel whose window is over, the channel that waits longest first; others skip it meanwhile. What is
-- answered counts as told from here on; a row without an alert, where others took them a moment ago, or nothing is left to tell.
-- What was found after `patience` is not due while nobody has decided whether it is analysed, and while its analysis is about to end.
-- Dropped instead is what was due before its channel's mute was over, or of a channel that is off; what no rule stands behind any
-- more that tells this channel, is on and was not muted when it was due; and what is about an incident that is ignored, or was
-- resolved since.
WITH due AS MATERIALIZED (
  SELECT a.project_id, a.channel_id, a.id, coalesce(s.due_at, a.due_at) AS due_at, s.due_at IS NOT NULL AS stands
    FROM alerts a
   CROSS JOIN LATERAL (
         SELECT min(f.due_at) AS due_at
           FROM alert_findings f
           JOIN alert_rules r ON r.project_id = f.project_id AND r.id = f.rule_id
           JOIN alert_rule_channels l ON l.project_id = r.project_id AND l.rule_id = r.id AND l.channel_id = a.channel_id
          WHERE f.project_id = a.project_id AND f.alert_id = a.id
            AND r.enabled AND (r.muted_until IS NULL OR r.muted_until <= f.due_at)) s
   WHERE a.told_at IS NULL AND a.dropped_at IS NULL AND a.due_at <= %(now)s AND (s.due_at IS NULL OR s.due_at <= %(now)s)
     AND NOT (a.created_at > %(patience)s AND EXISTS (
          SELECT FROM transitions t
           WHERE t.project_id = a.project_id AND t.id = a.transition_id
             AND (t.considered_at IS NULL OR EXISTS (
                  SELECT FROM analyses n
                   WHERE n.project_id = t.project_id AND n.incident_id = t.incident_id
                     AND n.state = ANY (%(awaited)s::text[]) AND (n.state = 'running' OR n.due_at <= %(now)s)))))
), channel AS MATERIALIZED (
  SELECT c.project_id, c.id, c.kind, c.name, c.target, c.disabled_at, c.muted_until, p.workspace_id, p.name AS project_name,
         w.name AS workspace_name
    FROM (SELECT project_id, channel_id, min(due_at) AS due_at FROM due GROUP BY project_id, channel_id) d
    JOIN channels c ON c.project_id = d.project_id AND c.id = d.channel_id
    JOIN projects p ON p.id = c.project_id AND p.deleted_at IS NULL
    JOIN workspaces w ON w.id = p.workspace_id
   WHERE c.disabled_at IS NOT NULL
      OR c.muted_until > %(now)s
      OR (c.told_at IS NULL OR c.told_at + c.digest_minutes * interval '1 minute' <= %(now)s)
         AND c.hourly_max > (SELECT count(DISTINCT d.created_at) FROM deliveries d
                              WHERE d.project_id = c.project_id AND d.channel_id = c.id AND d.purpose = 'alert'
                                AND d.created_at > %(now)s::timestamptz - interval '1 hour')
   ORDER BY d.due_at
   LIMIT 1
     FOR NO KEY UPDATE OF c SKIP LOCKED
), judged AS MATERIALIZED (
  SELECT due.project_id, due.id,
         CASE WHEN c.disabled_at IS NOT NULL THEN 'channel_off'
              WHEN due.due_at < c.muted_until THEN 'channel_muted'
              WHEN NOT due.stands THEN 'rule'
              WHEN i.status = 'ignored' THEN 'ignored'
              WHEN i.status = 'resolved' AND i.status_changed_at > coalesce(t.created_at, a.created_at) THEN 'resolved'
         END AS dropped_for
    FROM due
    JOIN channel c ON c.project_id = due.project_id AND c.id = due.channel_id
    JOIN alerts a ON a.project_id = due.project_id AND a.id = due.id
    JOIN incidents o ON o.project_id = a.project_id AND o.id = a.incident_id
    JOIN incidents i ON i.project_id = o.project_id AND i.id = coalesce(o.merged_into, o.id)
    LEFT JOIN transitions t ON t.project_id = a.project_id AND t.id = a.transition_id
), ended AS (
  UPDATE alerts a
     SET told_at = CASE WHEN j.dropped_for IS NULL THEN %(now)s::timestamptz END,
         dropped_at = CASE WHEN j.dropped_for IS NOT NULL THEN %(now)s::timestamptz END, dropped_for = j.dropped_for
    FROM judged j
   WHERE a.project_id = j.project_id AND a.id = j.id AND a.told_at IS NULL AND a.dropped_at IS NULL
  RETURNING a.id, a.incident_id, a.transition_id, a.kind, a.reason, a.event_id, a.environment, a.release, a.dropped_for
), told AS (
  SELECT id, incident_id, transition_id, kind, reason, event_id, environment, release FROM ended WHERE dropped_for IS NULL
), begun AS (
  UPDATE channels c SET told_at = %(now)s FROM channel
   WHERE c.project_id = channel.project_id AND c.id = channel.id AND EXISTS (SELECT FROM told)
)
SELECT c.project_id, c.id AS channel_id, c.kind AS channel_kind, c.name AS channel_name, c.target, c.workspace_id, c.project_name, c.workspace_name,
       told.*
  FROM channel c LEFT JOIN told ON true
 ORDER BY told.id;

-- name: alert_list_incidents
SELECT i.*
  FROM incidents i
 WHERE i.project_id = %(project_id)s AND i.id = ANY (%(incident_ids)s);

-- name: alert_find_newest_event
-- The event that stands for an incident where none was named: its newest that has a payload.
SELECT e.event_id
  FROM event_page(%(project_id)s, %(incident_id)s, %(since)s, NULL, NULL, 20) e
 ORDER BY e.sampled, e.received_at DESC
 LIMIT 1;

-- name: alert_list_owners
-- The addresses of the workspace's owners.
SELECT DISTINCT lower(pe.email) AS address
  FROM members m
  JOIN people pe ON pe.id = m.person_id
 WHERE m.workspace_id = %(workspace_id)s AND m.role = 'owner' AND pe.email IS NOT NULL
 ORDER BY 1;

-- name: alert_find_address
-- Whether mail may go to an address: a member's own, or one that was confirmed.
SELECT EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                WHERE m.workspace_id = %(workspace_id)s AND lower(pe.email) = %(address)s)
       OR EXISTS (SELECT FROM addresses a
                   WHERE a.workspace_id = %(workspace_id)s AND a.address = %(address)s AND a.confirmed_at IS NOT NULL)
       AS is_allowed;

-- name: alert_upsert_recipient
-- The token of the link that ends these mails; no row for somebody who has ended them.
INSERT INTO recipients AS r (project_id, channel_id, address, token)
VALUES (%(project_id)s, %(channel_id)s, %(address)s, %(token)s)
ON CONFLICT (project_id, channel_id, address) DO UPDATE SET address = excluded.address WHERE r.unsubscribed_at IS NULL
RETURNING token;

-- name: alert_list_waiting
-- What of a project waits to be told, by channel and why, and until when that is: its rules' quiet hours; the channel's messages of an
-- hour; its digest; or nothing but the next sweep.
SELECT c.id AS channel_id, w.reason, count(*) AS count,
       CASE w.reason WHEN 'quiet_hours' THEN min(a.due_at)
                     WHEN 'hourly_max' THEN c.free_at
                     WHEN 'digest' THEN c.digest_at END AS until
  FROM (SELECT c.project_id, c.id, c.told_at + c.digest_minutes * interval '1 minute' AS digest_at, h.free_at
          FROM channels c
         CROSS JOIN LATERAL (
               SELECT (array_agg(DISTINCT d.created_at ORDER BY d.created_at DESC))[c.hourly_max] + interval '1 hour' AS free_at
                 FROM deliveries d
                WHERE d.project_id = c.project_id AND d.channel_id = c.id AND d.purpose = 'alert'
                  AND d.created_at > %(now)s::timestamptz - interval '1 hour') h
         WHERE c.project_id = %(project_id)s) c
 CROSS JOIN LATERAL (
       SELECT a.id, a.created_at,
              coalesce(min(f.due_at) FILTER (WHERE r.enabled AND (r.muted_until IS NULL OR r.muted_until <= f.due_at)), a.due_at)
              AS due_at
         FROM alerts a
         LEFT JOIN alert_findings f ON f.project_id = a.project_id AND f.alert_id = a.id
         LEFT JOIN alert_rules r ON r.project_id = f.project_id AND r.id = f.rule_id
        WHERE a.project_id = c.project_id AND a.channel_id = c.id AND a.told_at IS NULL AND a.dropped_at IS NULL
        GROUP BY a.id, a.created_at, a.due_at) a
 CROSS JOIN LATERAL (
       SELECT CASE WHEN a.due_at > greatest(a.created_at, %(now)s) THEN 'quiet_hours'
                   WHEN c.free_at > %(now)s AND (c.digest_at IS NULL OR c.free_at >= c.digest_at) THEN 'hourly_max'
                   WHEN c.digest_at > %(now)s THEN 'digest'
                   ELSE 'sweep' END AS reason) w
 GROUP BY c.id, w.reason, c.free_at, c.digest_at
 ORDER BY c.id, w.reason;

-- name: alert_list_dropped
-- What of a project was not told within the day before, by channel and why.
SELECT a.channel_id, a.dropped_for AS reason, count(*) AS count, max(a.dropped_at) AS last_at
  FROM alerts a
 WHERE a.project_id = %(project_id)s AND a.dropped_at > %(now)s::timestamptz - interval '1 day'
 GROUP BY a.channel_id, a.dropped_for
 ORDER BY a.channel_id, a.dropped_for;

-- name: alert_delete_old
-- What was told or dropped, or never could be, some time ago; nothing of a project that is held.
DELETE FROM alerts WHERE (project_id, id) IN (
  SELECT project_id, id FROM alerts
   WHERE created_at < %(before)s AND NOT is_project_held(project_id) ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED);

-- name: alert_claim_notices
-- What workspaces are to be told, the oldest first; locked until the transaction ends.
SELECT n.workspace_id, n.id, n.project_id, n.kind, n.detail, n.created_at, p.name AS project_name
  FROM notices n
  LEFT JOIN projects p ON p.id = n.project_id
 WHERE n.handled_at IS NULL AND n.created_at <= %(now)s
 ORDER BY n.created_at
 LIMIT %(limit)s
   FOR NO KEY UPDATE OF n SKIP LOCKED;

-- name: alert_update_notice_handled
UPDATE notices SET handled_at = %(now)s WHERE workspace_id = %(workspace_id)s AND id = %(id)s;

-- name: alert_lock_project
-- Whoever changes rules and channels of a project waits here for those who are at it.
SELECT FROM projects WHERE id = %(project_id)s FOR NO KEY UPDATE;

-- name: alert_list_settings
-- A project's rules as people set them, the oldest first.
SELECT r.id, r.name, r.conditions, r.filters, r.quiet_hours, r.enabled, r.muted_until, r.created_at,
       array(SELECT l.channel_id FROM alert_rule_channels l
              WHERE l.project_id = r.project_id AND l.rule_id = r.id ORDER BY l.channel_id) AS channel_ids
  FROM alert_rules r
 WHERE r.project_id = %(project_id)s AND (%(rule_id)s::bigint IS NULL OR r.id = %(rule_id)s)
 ORDER BY r.id;

-- name: alert_insert_rule
INSERT INTO alert_rules (project_id, name, conditions, filters, quiet_hours, enabled, muted_until, created_by)
VALUES (%(project_id)s, %(name)s, %(conditions)s::jsonb, %(filters)s::jsonb, %(quiet_hours)s::jsonb, %(enabled)s, %(muted_until)s,
        %(person_id)s::bigint)
RETURNING id;

-- name: alert_update_rule
UPDATE alert_rules
   SET name = %(name)s, conditions = %(conditions)s::jsonb, filters = %(filters)s::jsonb, quiet_hours = %(quiet_hours)s::jsonb,
       enabled = %(enabled)s, muted_until = %(muted_until)s
 WHERE project_id = %(project_id)s AND id = %(rule_id)s;

-- name: alert_delete_rule
DELETE FROM alert_rules WHERE project_id = %(project_id)s AND id = %(rule_id)s;

-- name: alert_delete_rule_channels
DELETE FROM alert_rule_channels WHERE project_id = %(project_id)s AND rule_id = %(rule_id)s;

-- name: alert_insert_rule_channels
-- Only channels of the same project can be named: the key says so.
INSERT INTO alert_rule_channels (project_id, rule_id, channel_id)
SELECT DISTINCT %(project_id)s::bigint, %(rule_id)s::bigint, c FROM unnest(%(channel_ids)s::bigint[]) AS c;

-- name: alert_list_past
-- A project's transitions of the week before, the latest first, each with the event that it came with.
-- told_kind and episode: as of alert_claim_transitions.
SELECT t.id, t.kind, t.event_id, t.release, t.environment, t.created_at, i.id AS incident_id, i.title, i.level, e.service, e.route,
       e.level AS event_level,
       CASE WHEN t.kind = 'appeared' THEN coalesce(b.kind, 'new') ELSE t.kind END AS told_kind, coalesce(b.id, 0) AS episode
  FROM (SELECT * FROM transitions t
         WHERE t.project_id = %(project_id)s AND t.created_at > clock_timestamp() - interval '7 days'
         ORDER BY t.id DESC LIMIT %(limit)s) t
  JOIN incidents i ON i.project_id = t.project_id AND i.id = t.incident_id
  LEFT JOIN LATERAL (
       SELECT w.id, w.kind
         FROM transitions w
        WHERE w.project_id = t.project_id AND w.incident_id = t.incident_id AND w.id <= t.id AND w.kind IN ('new', 'regressed')
        ORDER BY w.id DESC
        LIMIT 1) b ON true
  LEFT JOIN event_ids k ON k.project_id = t.project_id AND k.event_id = t.event_id
  LEFT JOIN events e ON e.project_id = k.project_id AND e.fingerprint = k.fingerprint AND e.received_at = k.received_at
                    AND e.event_id = k.event_id
 ORDER BY t.id DESC;

-- name: alert_list_past_hours
-- The hours of the week before at whose end an incident had more than so many events within so many hours, and, where `times` is
-- given, so many times what as many minutes of the week before that usually had; the latest first, at most one a day of each.
-- Among the incidents that had events last. As alert_list_unusual has it, an incident of less than a day has nothing usual.
SELECT DISTINCT ON (h.day, h.incident_id) h.incident_id, h.title, h.level, h.hour AS at, h.event_count
  FROM (SELECT c.*, date_trunc('day', c.hour) AS day, c.before
               / greatest(1, least(168, extract(epoch FROM c.hour - c.first_seen) / 3600 - %(hours)s::bigint + 1))
               * %(minutes)s::bigint / 60.0 AS usual
          FROM (SELECT n.*, sum(n.event_count) OVER within AS event_count_within, sum(n.event_count) OVER earlier AS before
                  FROM (SELECT i.id AS incident_id, i.title, i.level, i.first_seen, c.hour, sum(c.event_count) AS event_count
                          FROM (SELECT * FROM incidents i
                                 WHERE i.project_id = %(project_id)s AND i.last_seen > clock_timestamp() - interval '7 days'
                                   AND i.event_count > %(more_than)s::bigint AND i.merged_into IS NULL AND i.status <> 'ignored'
                                   AND (%(levels)s::text[] IS NULL OR i.level = ANY (%(levels)s))
                                 ORDER BY i.last_seen DESC, i.id DESC
                                 LIMIT %(incidents_max)s) i
                          JOIN incident_fingerprints f ON f.project_id = i.project_id AND f.incident_id = i.id
                          JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
                         WHERE c.hour > clock_timestamp() - interval '7 days' - %(hours)s::bigint * interval '1 hour'
                                        - CASE WHEN %(times)s::bigint IS NULL THEN 0 ELSE 168 END * interval '1 hour'
                           AND (%(environments)s::text[] IS NULL
                                OR coalesce(nullif(c.environment, ''), 'production') ILIKE ANY (%(environments)s))
                           AND (%(releases)s::text[] IS NULL OR c.release ILIKE ANY (%(releases)s))
                         GROUP BY i.id, i.title, i.level, i.first_seen, c.hour) n
                WINDOW within AS (PARTITION BY n.incident_id ORDER BY n.hour
                                  RANGE BETWEEN (%(hours)s::bigint - 1) * interval '1 hour' PRECEDING AND CURRENT ROW),
                       earlier AS (PARTITION BY n.incident_id ORDER BY n.hour
                                   RANGE BETWEEN (%(hours)s::bigint + 167) * interval '1 hour' PRECEDING
                                             AND %(hours)s::bigint * interval '1 hour' PRECEDING)) c
         WHERE c.hour > clock_timestamp() - interval '7 days' AND c.event_count_within > %(more_than)s::bigint) h
 WHERE %(times)s::bigint IS NULL
       OR (h.event_count_within >= coalesce(h.usual, 0) * %(times)s::bigint AND h.first_seen <= h.hour - interval '23 hours')
 ORDER BY h.day DESC, h.incident_id, h.hour
 LIMIT %(limit)s;

-- name: alert_list_past_people
-- When in the week before an incident was met by more than so many people: when the first event came of the one that made them so
-- many. Told from the light rows of incidents that had events last; `at` is null where they are too many to be read.
WITH candidate AS MATERIALIZED (
  SELECT i.project_id, i.id, i.title, i.level, i.environments, i.first_seen,
         i.event_count <= %(events_max)s::bigint
         AND sum(i.event_count) FILTER (WHERE i.event_count <= %(events_max)s::bigint)
                 OVER (ORDER BY i.last_seen DESC, i.id DESC) <= %(events_in_all_max)s::bigint AS is_read
    FROM incidents i
   WHERE i.project_id = %(project_id)s AND i.last_seen > clock_timestamp() - interval '7 days' AND i.merged_into IS NULL
     AND i.status <> 'ignored' AND i.people_count > %(more_than)s::bigint
   ORDER BY i.last_seen DESC, i.id DESC
   LIMIT %(limit)s
)
SELECT i.id AS incident_id, i.title, i.level, i.environments, m.at
  FROM candidate i
  LEFT JOIN LATERAL (
       SELECT u.at
         FROM (SELECT min(e.received_at) AS at
                 FROM incident_fingerprints f
                 JOIN events e ON e.project_id = f.project_id AND e.fingerprint = f.fingerprint
                WHERE f.project_id = i.project_id AND f.incident_id = i.id AND e.user_hash IS NOT NULL
                  AND e.received_at >= i.first_seen - %(slack)s::interval
                GROUP BY e.user_hash) u
        ORDER BY u.at
       OFFSET %(more_than)s::bigint
        LIMIT 1) m ON i.is_read
 WHERE NOT i.is_read OR m.at > clock_timestamp() - interval '7 days';

-- name: alert_list_past_counts
-- Incidents that had events in the week before, and how many they had before it.
SELECT i.id AS incident_id, i.title, i.level, i.environments, i.last_seen AS at, i.event_count,
       i.event_count - coalesce((
         SELECT sum(c.event_count) FROM incident_fingerprints f
           JOIN event_counts c ON c.project_id = f.project_id AND c.fingerprint = f.fingerprint
          WHERE f.project_id = i.project_id AND f.incident_id = i.id AND c.hour > clock_timestamp() - interval '7 days'), 0) AS before
  FROM incidents i
 WHERE i.project_id = %(project_id)s AND i.last_seen > clock_timestamp() - interval '7 days' AND i.merged_into IS NULL
   AND i.event_count >= 10
 ORDER BY i.last_seen DESC
 LIMIT %(limit)s;

-- name: alert_delete_recipient
-- They want no more of this channel: answers whose mails ended. What waits to be tried again goes to them no more. That of other
-- channels does.
WITH ended AS (
  UPDATE recipients r SET unsubscribed_at = coalesce(r.unsubscribed_at, clock_timestamp()) WHERE r.token = %(token)s
  RETURNING r.project_id, r.channel_id, r.address
), noted AS (
  UPDATE addresses a
     SET ended_at = clock_timestamp()
    FROM ended JOIN projects p ON p.id = ended.project_id
   WHERE a.workspace_id = p.workspace_id AND a.address = ended.address
), cancelled AS (
  UPDATE deliveries d
     SET state = 'cancelled', next_try_at = NULL, leased_until = NULL, finished_at = clock_timestamp(), content = NULL
    FROM ended
   WHERE d.project_id = ended.project_id AND d.channel_id = ended.channel_id AND d.recipient = ended.address
     AND d.state = 'pending'
)
SELECT e.project_id, e.channel_id, e.address, p.workspace_id, p.name AS project_name, c.name AS channel_name
  FROM ended e
  JOIN projects p ON p.id = e.project_id
  JOIN channels c ON c.project_id = e.project_id AND c.id = e.channel_id;

-- name: alert_find_recipient
-- Whose mails a link would end, and of which channel.
SELECT r.address, p.name AS project_name, c.name AS channel_name, r.unsubscribed_at
  FROM recipients r
  JOIN projects p ON p.id = r.project_id
  JOIN channels c ON c.project_id = r.project_id AND c.id = r.channel_id
 WHERE r.token = %(token)s;

-- name: alert_insert_ended_recipient
-- Of an address that has ended other mails of the workspace: a channel that is made to lead there begins once it agrees to it.
INSERT INTO recipients (project_id, channel_id, address, token, unsubscribed_at)
SELECT %(project_id)s, %(channel_id)s, a.address, %(token)s, clock_timestamp()
  FROM addresses a
 WHERE a.workspace_id = %(workspace_id)s AND a.address = %(address)s AND a.ended_at IS NOT NULL
ON CONFLICT (project_id, channel_id, address) DO NOTHING;

-- name: alert_update_recipient_begun
-- By themselves: the person's own address gets a channel's mails again. No row where it had not ended them.
UPDATE recipients r
   SET unsubscribed_at = NULL, again_hash = NULL, again_expires_at = NULL
  FROM people pe
 WHERE r.project_id = %(project_id)s AND r.channel_id = %(channel_id)s AND r.unsubscribed_at IS NOT NULL
   AND pe.id = %(person_id)s AND r.address = lower(pe.email)
RETURNING r.address;

-- name: alert_update_recipient_asked
-- What the link of the mail that asks will begin again, where the address has ended it.
UPDATE recipients
   SET again_hash = %(token_hash)s, again_expires_at = clock_timestamp() + %(lives)s
 WHERE project_id = %(project_id)s AND channel_id = %(channel_id)s AND address = %(address)s AND unsubscribed_at IS NOT NULL
RETURNING address;

-- name: alert_find_question
-- What an address can be asked for a channel. is_allowed: mail may go there, as alert_find_address has it; is_ended: it has ended
-- this channel's.
SELECT w.name AS workspace_name, p.name AS project_name, c.name AS channel_name,
       EXISTS (SELECT FROM members m JOIN people pe ON pe.id = m.person_id
                WHERE m.workspace_id = w.id AND lower(pe.email) = %(address)s)
       OR EXISTS (SELECT FROM addresses a
                   WHERE a.workspace_id = w.id AND a.address = %(address)s AND a.confirmed_at IS NOT NULL) AS is_allowed,
       EXISTS (SELECT FROM recipients r
                WHERE r.project_id = c.project_id AND r.channel_id = c.id AND r.address = %(address)s
                  AND r.unsubscribed_at IS NOT NULL) AS is_ended
  FROM channels c
  JOIN projects p ON p.id = c.project_id
  JOIN workspaces w ON w.id = p.workspace_id
 WHERE c.project_id = %(project_id)s AND c.id = %(channel_id)s AND w.id = %(workspace_id)s;

-- name: alert_upsert_address
-- Ask an address for the workspace's alerts, or, where it has agreed to these or is a member's, for one channel's, whose link stands
-- with its recipient. No row where it was asked lately.
INSERT INTO addresses AS a (workspace_id, address, token_hash, token_expires_at, asked_at, asked_by)
SELECT %(workspace_id)s, %(address)s, CASE WHEN NOT %(is_allowed)s THEN %(token_hash)s::bytea END,
       CASE WHEN NOT %(is_allowed)s THEN clock_timestamp() + %(lives)s END, clock_timestamp(), %(person_id)s::bigint
ON CONFLICT (workspace_id, address)
DO UPDATE SET token_hash = excluded.token_hash, token_expires_at = excluded.token_expires_at, asked_at = excluded.asked_at,
              asked_by = excluded.asked_by
   WHERE a.asked_at < clock_timestamp() - %(again)s::interval
RETURNING address;

-- name: alert_count_asked
-- How many addresses the workspace has asked within a day.
SELECT count(*) AS asked FROM addresses
 WHERE workspace_id = %(workspace_id)s AND asked_at > clock_timestamp() - interval '1 day';

-- name: alert_find_asked
-- Who asks an address, by the token in the mail: the workspace for all of its alerts, or for those of the one channel that is named.
-- No row once it was used or is over.
SELECT a.address, w.name AS workspace_name, NULL AS project_name, NULL AS channel_name
  FROM addresses a
  JOIN workspaces w ON w.id = a.workspace_id
 WHERE a.token_hash = %(token_hash)s AND a.token_expires_at > clock_timestamp()
 UNION ALL
SELECT r.address, w.name, p.name, c.name
  FROM recipients r
  JOIN channels c ON c.project_id = r.project_id AND c.id = r.channel_id
  JOIN projects p ON p.id = r.project_id
  JOIN workspaces w ON w.id = p.workspace_id
 WHERE r.again_hash = %(token_hash)s AND r.again_expires_at > clock_timestamp()
 ORDER BY channel_name NULLS FIRST
 LIMIT 1;

-- name: alert_update_confirmed
-- They agree to what alert_find_asked tells. Once: the token is used up by it. Asked for the workspace's alerts, an address that had
-- ended those of the channel which led to the question gets them again, too.
WITH agreed AS (
  UPDATE addresses a
     SET confirmed_at = clock_timestamp(), token_hash = NULL, token_expires_at = NULL
   WHERE a.token_hash = %(token_hash)s AND a.token_expires_at > clock_timestamp()
  RETURNING a.workspace_id, a.address
), begun AS (
  UPDATE recipients r
     SET unsubscribed_at = NULL, again_hash = NULL, again_expires_at = NULL
   WHERE r.again_hash = %(token_hash)s AND r.again_expires_at > clock_timestamp()
  RETURNING r.project_id, r.channel_id, r.address
)
SELECT g.workspace_id, w.name AS workspace_name, NULL AS project_id, NULL AS project_name, NULL AS channel_id,
       NULL AS channel_name, g.address
  FROM agreed g
  JOIN workspaces w ON w.id = g.workspace_id
 UNION ALL
SELECT w.id, w.name, p.id, p.name, c.id, c.name, b.address
  FROM begun b
  JOIN channels c ON c.project_id = b.project_id AND c.id = b.channel_id
  JOIN projects p ON p.id = b.project_id
  JOIN workspaces w ON w.id = p.workspace_id
 ORDER BY channel_name NULLS FIRST
 LIMIT 1;

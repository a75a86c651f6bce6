-- name: export_insert
INSERT INTO exports (workspace_id, requested_by, expires_at, link_hash, parts)
VALUES (%(workspace_id)s, %(person_id)s, clock_timestamp() + make_interval(hours => %(hours)s), %(link_hash)s, %(parts)s::jsonb)
RETURNING id, requested_at, expires_at;

-- name: export_find
-- One whose time is over is not there any more.
SELECT e.id, e.requested_at, e.expires_at, e.parts, w.slug
  FROM exports e
  JOIN workspaces w ON w.id = e.workspace_id
 WHERE e.workspace_id = %(workspace_id)s AND e.id = %(export_id)s AND e.expires_at > clock_timestamp();

-- name: export_find_by_link
-- With the role that the one who asked for it has now: whoever lost theirs has lost the link.
SELECT e.workspace_id, e.id, e.requested_by, m.role
  FROM exports e
  JOIN workspaces w ON w.id = e.workspace_id AND w.deleted_at IS NULL
  JOIN members m ON m.workspace_id = e.workspace_id AND m.person_id = e.requested_by
 WHERE e.link_hash = %(link_hash)s AND e.expires_at > clock_timestamp();

-- name: export_list
-- The newest first; few are live at a time.
SELECT e.id, e.requested_at, e.expires_at, jsonb_array_length(e.parts) AS part_count
  FROM exports e
 WHERE e.workspace_id = %(workspace_id)s AND e.expires_at > clock_timestamp()
 ORDER BY e.id DESC;

-- name: export_delete
DELETE FROM exports WHERE workspace_id = %(workspace_id)s AND id = %(export_id)s AND expires_at > clock_timestamp();

-- name: export_delete_expired
DELETE FROM exports WHERE workspace_id = %(workspace_id)s AND expires_at <= clock_timestamp();

-- name: export_list_pieces
SELECT until_key, row_count FROM export_pieces(%(relation)s::regclass, %(tenant)s, %(id)s, %(key)s::text[], %(max_rows)s);

-- name: export_list_event_pieces
-- Of a project's events, by the day on which they came.
SELECT d.day, p.until_key, p.row_count
  FROM partitions_of('events') d
 CROSS JOIN LATERAL export_pieces(d.name::regclass, 'project_id', %(project_id)s, %(key)s::text[], %(max_rows)s) p
 WHERE d.day IS NOT NULL AND p.row_count > 0;

-- name: export_list_project_ids
-- Those that were deleted and can be brought back, too.
SELECT id, slug FROM projects WHERE workspace_id = %(workspace_id)s ORDER BY id;

-- name: export_list_workspace
SELECT w.id, w.slug, w.name, w.created_at, w.events_per_month_max, w.deleted_at FROM workspaces w WHERE w.id = %(workspace_id)s
   AND %(after)s::text[] IS NULL
 LIMIT %(limit)s;

-- name: export_list_members
SELECT m.person_id, p.name, p.email, m.role, m.created_at
  FROM members m
  JOIN people p ON p.id = m.person_id
 WHERE m.workspace_id = %(workspace_id)s AND (%(after)s::text[] IS NULL OR m.person_id > (%(after)s::text[])[1]::bigint)
 ORDER BY m.person_id
 LIMIT %(limit)s;

-- name: export_list_invitations
SELECT i.id, i.email, i.role, i.created_by, i.created_at, i.expires_at, i.accepted_at, i.accepted_by, i.revoked_at
  FROM invitations i
 WHERE i.workspace_id = %(workspace_id)s AND (%(after)s::text[] IS NULL OR i.id > (%(after)s::text[])[1]::bigint)
 ORDER BY i.id
 LIMIT %(limit)s;

-- name: export_list_projects
SELECT p.id, p.slug, p.name, p.repository, p.retention_days, p.created_at, p.deleted_at, p.events_per_minute_max,
       p.fingerprints_per_minute_max, p.payloads_per_day, p.spike_factor
  FROM projects p
 WHERE p.workspace_id = %(workspace_id)s AND (%(after)s::text[] IS NULL OR p.id > (%(after)s::text[])[1]::bigint)
 ORDER BY p.id
 LIMIT %(limit)s;

-- name: export_list_usage
SELECT u.month, u.project_id, sum(u.event_count)::bigint AS event_count, sum(u.payload_bytes)::bigint AS payload_bytes,
       sum(u.analysis_count)::bigint AS analysis_count, sum(u.mail_count)::bigint AS mail_count
  FROM usage u
 WHERE u.workspace_id = %(workspace_id)s
   AND (%(after)s::text[] IS NULL OR (u.month, u.project_id) > ((%(after)s::text[])[1]::date, (%(after)s::text[])[2]::bigint))
 GROUP BY u.month, u.project_id
 ORDER BY u.month, u.project_id
 LIMIT %(limit)s;

-- name: export_list_addresses
SELECT a.address, a.asked_at, a.asked_by, a.confirmed_at
  FROM addresses a
 WHERE a.workspace_id = %(workspace_id)s AND (%(after)s::text[] IS NULL OR a.address > (%(after)s::text[])[1])
 ORDER BY a.address
 LIMIT %(limit)s;

-- name: export_list_changes
-- The audit log.
SELECT a.id, a.at, a.project_id, a.actor_kind, a.actor_id, a.action, a.object_id, a.before, a.after, a.address
  FROM audit_log a
 WHERE a.workspace_id = %(workspace_id)s
   AND (%(since)s::text[] IS NULL OR a.id > (%(since)s::text[])[1]::bigint)
   AND (%(until)s::text[] IS NULL OR a.id <= (%(until)s::text[])[1]::bigint)
   AND (%(after)s::text[] IS NULL OR a.id > (%(after)s::text[])[1]::bigint)
 ORDER BY a.id
 LIMIT %(limit)s;

-- name: export_list_refusals
SELECT r.minute, r.actor_kind, r.actor_id, r.action, r.project_id, r.object_id, r.address, r.attempts
  FROM audit_refusals r
 WHERE r.workspace_id = %(workspace_id)s
   AND (%(since)s::text[] IS NULL OR r.minute > (%(since)s::text[])[1]::timestamptz)
   AND (%(until)s::text[] IS NULL OR r.minute <= (%(until)s::text[])[1]::timestamptz)
   AND (%(after)s::text[] IS NULL OR (r.minute, r.actor_kind, r.actor_id, r.action)
        > ((%(after)s::text[])[1]::timestamptz, (%(after)s::text[])[2], (%(after)s::text[])[3]::bigint, (%(after)s::text[])[4]))
 ORDER BY r.minute, r.actor_kind, r.actor_id, r.action
 LIMIT %(limit)s;

-- name: export_list_deliveries
-- What was sent to whom, and how that went; not what it said: an invitation's mail holds a link that lets somebody in.
SELECT d.id, d.project_id, d.channel_id, d.purpose, d.kind, d.recipient, d.state, d.created_at, d.finished_at, d.tries,
       d.last_error, d.incident_ids
  FROM deliveries d
 WHERE d.workspace_id = %(workspace_id)s
   AND (%(since)s::text[] IS NULL OR d.id > (%(since)s::text[])[1]::uuid)
   AND (%(until)s::text[] IS NULL OR d.id <= (%(until)s::text[])[1]::uuid)
   AND (%(after)s::text[] IS NULL OR d.id > (%(after)s::text[])[1]::uuid)
 ORDER BY d.id
 LIMIT %(limit)s;

-- name: export_list_erasures
-- Receipts; the hashes of whom they were about are no use to anybody else.
SELECT e.id, e.requested_by, e.requested_at, e.removed, e.finished_at
  FROM erasures e
 WHERE e.workspace_id = %(workspace_id)s AND (%(after)s::text[] IS NULL OR e.id > (%(after)s::text[])[1]::bigint)
 ORDER BY e.id
 LIMIT %(limit)s;

-- name: export_list_keys
-- Never the hashes of keys.
SELECT k.id, k.kind, k.name, k.prefix, k.rate_per_minute, k.allowed_origins, k.scopes, k.created_by, k.created_at, k.last_used_at,
       k.expires_at, k.revoked_at, k.rotated_from
  FROM keys k
 WHERE k.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR k.id > (%(after)s::text[])[1]::bigint)
 ORDER BY k.id
 LIMIT %(limit)s;

-- name: export_list_rules
SELECT r.kind, r.version, r.rules, r.updated_at, r.updated_by
  FROM project_rules r
 WHERE r.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR r.kind > (%(after)s::text[])[1])
 ORDER BY r.kind
 LIMIT %(limit)s;

-- name: export_list_alert_rules
SELECT r.id, r.name, r.conditions, r.filters, r.quiet_hours, r.enabled, r.muted_until, r.created_by, r.created_at,
       array(SELECT c.channel_id FROM alert_rule_channels c
              WHERE c.project_id = r.project_id AND c.rule_id = r.id ORDER BY 1) AS channel_ids
  FROM alert_rules r
 WHERE r.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR r.id > (%(after)s::text[])[1]::bigint)
 ORDER BY r.id
 LIMIT %(limit)s;

-- name: export_list_channels
-- Without where they lead: the address of a webhook lets its bearer post there.
SELECT c.id, c.kind, c.name, c.digest_minutes, c.hourly_max, c.muted_until, c.failures, c.disabled_at, c.disabled_reason,
       c.created_by, c.created_at
  FROM channels c
 WHERE c.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR c.id > (%(after)s::text[])[1]::bigint)
 ORDER BY c.id
 LIMIT %(limit)s;

-- name: export_list_recipients
-- Without the tokens that let them unsubscribe.
SELECT r.channel_id, r.address, r.unsubscribed_at
  FROM recipients r
 WHERE r.project_id = %(project_id)s
   AND (%(after)s::text[] IS NULL OR (r.channel_id, r.address) > ((%(after)s::text[])[1]::bigint, (%(after)s::text[])[2]))
 ORDER BY r.channel_id, r.address
 LIMIT %(limit)s;

-- name: export_list_views
SELECT v.id, v.name, v.query, v.sort, v.created_by, v.created_at
  FROM saved_views v
 WHERE v.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR v.id > (%(after)s::text[])[1]::bigint)
 ORDER BY v.id
 LIMIT %(limit)s;

-- name: export_list_holds
SELECT h.id, h.incident_id, h.reason, h.placed_by, h.placed_at, h.ended_by, h.ended_at
  FROM legal_holds h
 WHERE h.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR h.id > (%(after)s::text[])[1]::bigint)
 ORDER BY h.id
 LIMIT %(limit)s;

-- name: export_list_analysis_options
SELECT o.version, o.enabled, o.environments, o.events_min, o.interval_minutes, o.hourly_max, o.budget_microdollars, o.updated_at,
       o.updated_by
  FROM analysis_options o
 WHERE o.project_id = %(project_id)s AND %(after)s::text[] IS NULL
 LIMIT %(limit)s;

-- name: export_list_releases
SELECT r.release, r.first_seen
  FROM releases r
 WHERE r.project_id = %(project_id)s AND (%(after)s::text[] IS NULL OR r.release > (%(after)s::text[])[1])
 ORDER BY r.release
 LIMIT %(limit)s;

-- name: export_list_incidents
SELECT i.id, i.status, i.level, i.kind, i.title, i.culprit, i.platform, i.event_count, i.people_count, i.first_seen, i.last_seen,
       i.first_release, i.last_release, i.environments, i.status_changed_at, i.resolved_release, i.resolved_in_next_release,
       i.ignored_until, i.ignored_until_count, i.regressed_at, i.escalated_at, i.merged_into, i.assignee_id
  FROM incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR i.id > (%(since)s::text[])[1]::bigint)
   AND (%(until)s::text[] IS NULL OR i.id <= (%(until)s::text[])[1]::bigint)
   AND (%(after)s::text[] IS NULL OR i.id > (%(after)s::text[])[1]::bigint)
 ORDER BY i.id
 LIMIT %(limit)s;

-- name: export_list_fingerprints
SELECT f.fingerprint, f.incident_id, f.version, f.rule, f.reason, f.parts, f.event_count, f.people_count, f.first_seen,
       f.last_seen, f.environments, f.first_release, f.last_release, f.moved_from, f.moved_at, f.moved_by
  FROM incident_fingerprints f
 WHERE f.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR f.fingerprint > (%(since)s::text[])[1]::uuid)
   AND (%(until)s::text[] IS NULL OR f.fingerprint <= (%(until)s::text[])[1]::uuid)
   AND (%(after)s::text[] IS NULL OR f.fingerprint > (%(after)s::text[])[1]::uuid)
 ORDER BY f.fingerprint
 LIMIT %(limit)s;

-- name: export_list_transitions
SELECT t.id, t.incident_id, t.kind, t.event_id, t.release, t.environment, t.created_at
  FROM transitions t
 WHERE t.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR t.id > (%(since)s::text[])[1]::bigint)
   AND (%(until)s::text[] IS NULL OR t.id <= (%(until)s::text[])[1]::bigint)
   AND (%(after)s::text[] IS NULL OR t.id > (%(after)s::text[])[1]::bigint)
 ORDER BY t.id
 LIMIT %(limit)s;

-- name: export_list_analyses
SELECT a.id, a.incident_id, a.state, a.cause, a.event_id, a.requested_by, a.created_at, a.finished_at, a.reason, a.model,
       a.input_tokens, a.output_tokens, a.cost_microdollars, a.event_count, a.release, a.result, a.confidence, a.helpful,
       a.rated_by, a.rated_at, a.correction, a.corrected_by, a.corrected_at
  FROM analyses a
 WHERE a.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR a.id > (%(since)s::text[])[1]::bigint)
   AND (%(until)s::text[] IS NULL OR a.id <= (%(until)s::text[])[1]::bigint)
   AND (%(after)s::text[] IS NULL OR a.id > (%(after)s::text[])[1]::bigint)
 ORDER BY a.id
 LIMIT %(limit)s;

-- name: export_list_alerts
SELECT a.id, a.channel_id, a.rule_id, a.incident_id, a.kind, a.reason, a.event_id, a.environment, a.release, a.created_at, a.told_at,
       a.dropped_at, a.dropped_for
  FROM alerts a
 WHERE a.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR a.id > (%(since)s::text[])[1]::bigint)
   AND (%(until)s::text[] IS NULL OR a.id <= (%(until)s::text[])[1]::bigint)
   AND (%(after)s::text[] IS NULL OR a.id > (%(after)s::text[])[1]::bigint)
 ORDER BY a.id
 LIMIT %(limit)s;

-- name: export_list_counts
-- Hourly, by kind of error.
SELECT c.fingerprint, c.hour, c.environment, c.release, c.event_count
  FROM event_counts c
 WHERE c.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL
        OR (c.fingerprint, c.hour) > ((%(since)s::text[])[1]::uuid, (%(since)s::text[])[2]::timestamptz))
   AND (%(until)s::text[] IS NULL
        OR (c.fingerprint, c.hour) <= ((%(until)s::text[])[1]::uuid, (%(until)s::text[])[2]::timestamptz))
   AND (%(after)s::text[] IS NULL OR (c.fingerprint, c.hour, c.environment, c.release)
        > ((%(after)s::text[])[1]::uuid, (%(after)s::text[])[2]::timestamptz, (%(after)s::text[])[3], (%(after)s::text[])[4]))
 ORDER BY c.fingerprint, c.hour, c.environment, c.release
 LIMIT %(limit)s;

-- name: export_list_outcomes
SELECT o.hour, o.key_id, o.outcome, o.reason, o.shard, o.event_count
  FROM outcomes o
 WHERE o.project_id = %(project_id)s
   AND (%(since)s::text[] IS NULL OR (o.hour, o.key_id) > ((%(since)s::text[])[1]::timestamptz, (%(since)s::text[])[2]::bigint))
   AND (%(until)s::text[] IS NULL OR (o.hour, o.key_id) <= ((%(until)s::text[])[1]::timestamptz, (%(until)s::text[])[2]::bigint))
   AND (%(after)s::text[] IS NULL OR (o.hour, o.key_id, o.outcome, o.reason, o.shard)
        > ((%(after)s::text[])[1]::timestamptz, (%(after)s::text[])[2]::bigint, (%(after)s::text[])[3], (%(after)s::text[])[4],
           (%(after)s::text[])[5]::smallint))
 ORDER BY o.hour, o.key_id, o.outcome, o.reason, o.shard
 LIMIT %(limit)s;

-- name: export_list_events
-- Of one day, by the key of its partition, each with its payload where that is still there. day: so that one partition is planned.
SELECT e.fingerprint, e.received_at, e.event_id, e.occurred_at, e.expires_on, e.level, e.release, e.environment, e.service, e.route,
       encode(e.user_hash, 'hex') AS user_hash, e.sampled, p.dictionary, p.payload
  FROM (SELECT e.* FROM events e
         WHERE e.project_id = %(project_id)s
           AND e.received_at >= %(day)s::timestamptz AND e.received_at < %(day)s::timestamptz + interval '1 day'
           AND (%(since)s::text[] IS NULL OR (e.fingerprint, e.received_at, e.event_id)
                > ((%(since)s::text[])[1]::uuid, (%(since)s::text[])[2]::timestamptz, (%(since)s::text[])[3]::uuid))
           AND (%(until)s::text[] IS NULL OR (e.fingerprint, e.received_at, e.event_id)
                <= ((%(until)s::text[])[1]::uuid, (%(until)s::text[])[2]::timestamptz, (%(until)s::text[])[3]::uuid))
           AND (%(after)s::text[] IS NULL OR (e.fingerprint, e.received_at, e.event_id)
                > ((%(after)s::text[])[1]::uuid, (%(after)s::text[])[2]::timestamptz, (%(after)s::text[])[3]::uuid))
         ORDER BY e.fingerprint, e.received_at, e.event_id
         LIMIT %(limit)s) e
  LEFT JOIN LATERAL (
       SELECT h.dictionary, h.payload FROM event_payloads h
        WHERE h.project_id = e.project_id AND h.received_at = e.received_at AND h.event_id = e.event_id
          AND h.expires_on = e.expires_on
        UNION ALL
       SELECT k.dictionary, k.payload FROM kept_payloads k
        WHERE k.project_id = e.project_id AND k.received_at = e.received_at AND k.event_id = e.event_id
        LIMIT 1) p ON true
 ORDER BY e.fingerprint, e.received_at, e.event_id;

-- name: record_events
-- One call, one round trip, one commit for a whole batch; see db/migrations/0002_record_events.sql for its guarantees.
SELECT project_id, fingerprint, event_id, incident_id, transition
  FROM record_events(%(batch)s::jsonb, %(payloads)b::bytea[]);

-- name: record_upsert_tagged
-- The same, and tags that were not known of these kinds, in the same commit; see db/migrations/0072_incident_search.sql.
WITH recorded AS MATERIALIZED (
  SELECT project_id, fingerprint, event_id, incident_id, transition
    FROM record_events(%(batch)s::jsonb, %(payloads)b::bytea[])
), tagged AS MATERIALIZED (
  SELECT record_tags(%(projects)s::bigint[], %(fingerprints)s::uuid[], %(names)s::bigint[], %(hashes)s::bigint[],
                     %(values_max)s, (SELECT count(*) FROM recorded))
)
SELECT recorded.* FROM recorded CROSS JOIN tagged;

-- name: record_make_partitions
-- The partitions that a batch needs: for the day it is received and for the days on which its payloads expire.
SELECT make_partitions((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 1,
                       array(SELECT DISTINCT expires_on(now() + n * interval '1 day', days)
                               FROM unnest(%(retention_days)s::int[]) AS days, generate_series(0, 1) AS n));

-- name: retention_upsert_partitions
-- Make what events of the coming days need; answers how many partitions were missing.
SELECT make_partitions(today() - 1, today() + %(received_days)s::int,
                       array(SELECT today() + n FROM generate_series(0, %(expiring_days)s::int) AS n
                              UNION
                             SELECT expires_on(now() + n * interval '1 day', d.retention_days)
                               FROM generate_series(0, %(received_days)s::int) AS n,
                                    (SELECT DISTINCT retention_days FROM projects) d)) AS made;

-- name: retention_list_expired
-- The days whose payloads have expired, the oldest first, with their size; rows as far as PostgreSQL has counted them.
SELECT p.day, greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes
  FROM partitions_of('event_payloads') p
  JOIN pg_class c ON c.oid = to_regclass(p.name)
 WHERE p.day < today()
 ORDER BY p.day;

-- name: retention_delete_payloads
-- See db/migrations/0050_retention.sql for its guarantees.
SELECT row_count, bytes FROM prune_payloads(%(day)s);

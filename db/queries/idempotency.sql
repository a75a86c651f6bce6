-- name: idempotency_insert
-- A row where this request is the first with its key. Waits for one that is at it; where that one is rolled back, this is first.
-- What has expired makes room: the key then stands for this request.
INSERT INTO idempotency_keys AS k (actor_kind, actor_id, idempotency_key, request_hash)
VALUES (%(actor_kind)s, %(actor_id)s, %(key)s, %(request_hash)s)
ON CONFLICT (actor_kind, actor_id, idempotency_key)
DO UPDATE SET request_hash = excluded.request_hash, status = NULL, answer = NULL, created_at = clock_timestamp()
 WHERE k.created_at < clock_timestamp() - %(lifetime)s::interval
RETURNING idempotency_key;

-- name: idempotency_find
SELECT request_hash, status, answer
  FROM idempotency_keys
 WHERE actor_kind = %(actor_kind)s AND actor_id = %(actor_id)s AND idempotency_key = %(key)s;

-- name: idempotency_update_answer
UPDATE idempotency_keys
   SET status = %(status)s, answer = %(answer)s::jsonb
 WHERE actor_kind = %(actor_kind)s AND actor_id = %(actor_id)s AND idempotency_key = %(key)s;

-- name: idempotency_delete_expired
-- A few of everybody's at a time, so that the table stays as small as its traffic without a job of its own.
DELETE FROM idempotency_keys
 WHERE (actor_kind, actor_id, idempotency_key) IN (
       SELECT actor_kind, actor_id, idempotency_key
         FROM idempotency_keys
        WHERE created_at < clock_timestamp() - %(lifetime)s::interval
        ORDER BY created_at
        LIMIT 20
          FOR UPDATE SKIP LOCKED);

-- name: idempotency_delete_old
-- What expired and nobody came after; answers how many.
WITH gone AS (
  DELETE FROM idempotency_keys
   WHERE (actor_kind, actor_id, idempotency_key) IN (
         SELECT actor_kind, actor_id, idempotency_key
           FROM idempotency_keys
          WHERE created_at < clock_timestamp() - %(lifetime)s::interval
          ORDER BY created_at
          LIMIT %(max_rows)s
            FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS removed FROM gone;

-- name: clerk_insert
-- No row where the message was taken before.
INSERT INTO clerk_messages (message_id) VALUES (%(message_id)s) ON CONFLICT DO NOTHING RETURNING message_id;

-- name: clerk_delete_old
-- A message is refused by its age long before it is forgotten.
WITH gone AS (
  DELETE FROM clerk_messages
   WHERE message_id IN (
         SELECT message_id FROM clerk_messages
          WHERE received_at < clock_timestamp() - make_interval(hours => %(hours)s)
          LIMIT %(max_rows)s
            FOR UPDATE SKIP LOCKED)
  RETURNING 1
)
SELECT count(*)::int AS removed FROM gone;

-- name: clerk_insert
-- No row where the message was taken before.
INSERT INTO clerk_messages (message_id) VALUES (%(message_id)s) ON CONFLICT DO NOTHING RETURNING message_id;

-- name: clerk_delete_old
-- A message is refused by its age long before it is forgotten.
DELETE FROM clerk_messages WHERE received_at < clock_timestamp() - make_interval(hours => %(hours)s);

-- name: person_find_by_clerk
SELECT id, email, name FROM people WHERE clerk_user_id = %(clerk_user_id)s;

-- name: person_insert
-- No row where somebody else was quicker.
INSERT INTO people (clerk_user_id, email, name)
VALUES (%(clerk_user_id)s, %(email)s, %(name)s)
ON CONFLICT (clerk_user_id) DO NOTHING
RETURNING id, email, name;

-- name: person_update
-- What the sign-in service tells of a person; what it does not tell stays.
UPDATE people
   SET email = coalesce(%(email)s, email), name = coalesce(%(name)s, name)
 WHERE clerk_user_id = %(clerk_user_id)s
RETURNING id, email, name;

-- The filters of the incident list, in one place for its three orders; merged incidents are in no list. A single SELECT without
-- a subquery, so that PostgreSQL inlines it and filters that are not given (null) cost nothing.
create function incident_matches(i incidents, status text, level text, environment text, pattern text,
                                 since timestamptz, until timestamptz) returns boolean
language sql stable as $$
    select i.merged_into is null
       and ($2 is null or i.status = $2)
       and ($3 is null or i.level = $3)
       and ($4 is null or $4 = any (i.environments))
       and ($5 is null or i.title ilike $5 or i.culprit ilike $5)
       and ($6 is null or i.last_seen >= $6)
       and ($7 is null or i.first_seen < $7)
$$;

-- The list by events. Every event that counts moves its incident in incidents_by_last_seen, so that no update of an incident is a
-- HOT one as it is (2 % of them are): this index costs each 100 bytes of WAL more, and no other index anything
-- (docs/decisions/0020-searching.md).
create index incidents_by_event_count on incidents (project_id, event_count desc, id desc);

-- Which tags a kind of error was seen with: keyed hashes, so that they tell nobody anything who does not know what to look for.
-- Written when an instance meets one for the first time on a day (lib/tags.py), and gone as soon as what said so has expired.
create table incident_tags (
    project_id bigint not null,
    fingerprint uuid not null,
    name_hash bigint not null,
    value_hash bigint not null,
    seen_on date not null,
    primary key (project_id, fingerprint, name_hash, value_hash)
);
create index incident_tags_by_value on incident_tags (project_id, value_hash, fingerprint, name_hash);
create index incident_tags_by_day on incident_tags (project_id, seen_on);

-- Remember tags of kinds that are there; of one with values_max values of a tag no further ones. In the order of their key, after
-- all that record_events locks, so that nobody waits for each other. recorded: only there so that it is called after that.
create function record_tags(projects bigint[], fingerprints uuid[], names bigint[], hashes bigint[], values_max integer,
                            recorded bigint) returns void
language sql volatile as $$
    insert into incident_tags as t (project_id, fingerprint, name_hash, value_hash, seen_on)
    select distinct w.project_id, w.fingerprint, w.name_hash, w.value_hash, today()
      from unnest($1, $2, $3, $4) as w (project_id, fingerprint, name_hash, value_hash)
      join incident_fingerprints f on f.project_id = w.project_id and f.fingerprint = w.fingerprint
     where (select count(*) from (select from incident_tags k
                                   where k.project_id = w.project_id and k.fingerprint = w.fingerprint and k.name_hash = w.name_hash
                                   limit $5) known) < $5
        or exists (select from incident_tags k
                    where k.project_id = w.project_id and k.fingerprint = w.fingerprint and k.name_hash = w.name_hash
                      and k.value_hash = w.value_hash)
     order by 1, 2, 3, 4
    on conflict (project_id, fingerprint, name_hash, value_hash) do update
       set seen_on = excluded.seen_on
     where t.seen_on < excluded.seen_on
$$;

-- Whether one of these people met an incident, and whether it has all of these tags (a null name: whatever the tag is called). For
-- lists that are walked through; where few incidents have it, these are looked up first (lib/searching.py).
create function incident_met(project bigint, incident bigint, hashes bytea[]) returns boolean
language sql stable as $$
    select exists (select from incident_fingerprints f
                     join incident_people p on p.project_id = f.project_id and p.fingerprint = f.fingerprint
                    where f.project_id = $1 and f.incident_id = $2 and p.user_hash = any ($3))
$$;

create function incident_has_tags(project bigint, incident bigint, hashes bigint[], names bigint[]) returns boolean
language sql stable as $$
    select not exists (
        select from unnest($3, $4) as w (value_hash, name_hash)
         where not exists (select from incident_fingerprints f
                             join incident_tags t on t.project_id = f.project_id and t.fingerprint = f.fingerprint
                            where f.project_id = $1 and f.incident_id = $2 and t.value_hash = w.value_hash
                              and (w.name_hash is null or t.name_hash = w.name_hash)))
$$;

-- Remove at most so many tags of which no event's payload can be left; returns how many. One more day, since a payload goes during
-- the day after its last.
create function prune_tags(max_rows integer) returns integer
language plpgsql as $$
declare
    gone integer;
begin
    delete from incident_tags t
     using (select k.ctid
              from projects p
             cross join lateral (select k.ctid from incident_tags k
                                  where k.project_id = p.id and k.seen_on < today() - p.retention_days - 1
                                  limit max_rows) k
             limit max_rows) old
     where t.ctid = old.ctid;
    get diagnostics gone = row_count;
    return gone;
end
$$;

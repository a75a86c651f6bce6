-- Merge and split: where fingerprints lead is changed, nothing else, so both touch a few rows whatever the number of events.
--
-- Guarantees: afterwards each incident is exactly the sum of the fingerprints that lead to it, whatever is recorded meanwhile; an
-- incident is merged (merged_into) if and only if none leads to it. Merges and splits of a project take turns (the project's
-- row); with record_events they share the order of locks: fingerprints by version and key, then incidents by key.

-- Lock every fingerprint that leads to these incidents. Repeated until no more are found: one that was recorded meanwhile, led
-- there by an earlier version's fingerprint, is seen once that one is locked.
create function lock_fingerprints(project bigint, incidents bigint[]) returns bigint
language plpgsql as $$
declare
    found bigint := -1;
    before bigint;
begin
    loop
        before := found;
        perform from incident_fingerprints f
          where f.project_id = project and f.incident_id = any (incidents)
          order by f.version, f.fingerprint
            for no key update;
        get diagnostics found = row_count;
        exit when found = before;
    end loop;
    return found;
end
$$;

-- Make incidents the sum of their fingerprints. "Ignored until N more" keeps its N. One without any keeps what it last was, but
-- for its count.
create function add_up_incidents(project bigint, incidents bigint[]) returns void
language sql as $$
    update incidents i
       set event_count = t.event_count,
           ignored_until_count = i.ignored_until_count + t.event_count - i.event_count,
           first_seen = coalesce(t.first_seen, i.first_seen),
           last_seen = coalesce(t.last_seen, i.last_seen),
           first_release = case when t.first_seen is null then i.first_release else t.first_release end,
           first_release_seen = case when t.first_seen is null then i.first_release_seen else t.first_release_seen end,
           last_release = case when t.first_seen is null then i.last_release else t.last_release end,
           last_release_seen = case when t.first_seen is null then i.last_release_seen else t.last_release_seen end,
           environments = case when t.first_seen is null then i.environments else t.environments end
      from (
        select w.id, coalesce(sum(f.event_count), 0) as event_count, min(f.first_seen) as first_seen,
               max(f.last_seen) as last_seen,
               (array_agg(f.first_release order by f.first_release_seen) filter (where f.first_release is not null))[1]
                   as first_release,
               min(f.first_release_seen) as first_release_seen, max(f.last_release_seen) as last_release_seen,
               (array_agg(f.last_release order by f.last_release_seen desc) filter (where f.last_release is not null))[1]
                   as last_release,
               array(select distinct e
                       from incident_fingerprints o cross join unnest(o.environments) e
                      where o.project_id = project and o.incident_id = w.id
                      order by 1) as environments
          from (select distinct unnest(incidents) as id) w
          left join incident_fingerprints f on f.project_id = project and f.incident_id = w.id
         group by w.id
      ) t
     where i.project_id = project and i.id = t.id
$$;

-- Let the fingerprints of other incidents lead to this one. Its status stands. Answers null, or why nothing was done:
-- not_found, target_merged, merged (one of the others leads to a third), too_many (fingerprints).
create function merge_incidents(project bigint, target bigint, others bigint[], person bigint, fingerprints_max integer)
returns text
language plpgsql as $$
declare
    everyone bigint[] := others || target;
    leading_count bigint;
    found incidents[];
begin
    perform from projects p where p.id = project for no key update;
    leading_count := lock_fingerprints(project, everyone);
    perform from incidents i where i.project_id = project and i.id = any (everyone) order by i.id for no key update;
    select array_agg(i) into found from incidents i where i.project_id = project and i.id = any (everyone);
    if cardinality(found) is distinct from cardinality(everyone) then
        return 'not_found';
    elsif exists (select from unnest(found) i where i.id = target and i.merged_into is not null) then
        return 'target_merged';
    elsif exists (select from unnest(found) i where i.merged_into <> target) then
        return 'merged';
    elsif leading_count > fingerprints_max then
        return 'too_many';
    end if;
    update incident_fingerprints f
       set home_incident_id = nullif(coalesce(f.home_incident_id, f.incident_id), target),
           moved_from = f.incident_id, moved_at = clock_timestamp(), moved_by = person, incident_id = target
     where f.project_id = project and f.incident_id = any (others);
    -- What was merged into one of them is one step away, too.
    update incidents i
       set merged_into = target
     where i.project_id = project and (i.id = any (others) or i.merged_into = any (others));
    perform add_up_incidents(project, everyone);
    return null;
end
$$;

-- Take fingerprints out of an incident: each goes back to the incident it was born with; those born with this very incident get
-- a new one, open, described as this one was. Answers where each leads, or one row with a refusal and nothing done: not_found,
-- merged, elsewhere (one does not lead here), all (nothing would be left).
create function split_incident(project bigint, source bigint, wanted uuid[], person bigint)
returns table (refusal text, fingerprint uuid, incident_id bigint)
language plpgsql as $$
#variable_conflict use_column
declare
    homes bigint[];
    leading_count bigint;
    made bigint;
    was incidents;
begin
    perform from projects p where p.id = project for no key update;
    -- Homes stay as they are while the project's row is locked.
    select coalesce(array_agg(distinct f.home_incident_id) filter (where f.home_incident_id is not null), '{}') into homes
      from incident_fingerprints f
     where f.project_id = project and f.fingerprint = any (wanted) and f.incident_id = source;
    perform lock_fingerprints(project, homes || source);
    perform from incidents i where i.project_id = project and i.id = any (homes || source) order by i.id for no key update;
    select i.* into was from incidents i where i.project_id = project and i.id = source;
    select count(*) into leading_count from incident_fingerprints f where f.project_id = project and f.incident_id = source;
    refusal := case
        when was.id is null then 'not_found'
        when was.merged_into is not null then 'merged'
        when cardinality(wanted) <> (select count(*) from incident_fingerprints f
                                      where f.project_id = project and f.fingerprint = any (wanted)
                                        and f.incident_id = source) then 'elsewhere'
        when cardinality(wanted) = leading_count then 'all' end;
    if refusal is not null then
        return next;
        return;
    end if;
    if exists (select from incident_fingerprints f
                where f.project_id = project and f.fingerprint = any (wanted) and f.home_incident_id is null) then
        insert into incidents (project_id, level, kind, title, culprit, platform, first_seen, last_seen)
        values (project, was.level, was.kind, was.title, was.culprit, was.platform, was.first_seen, was.last_seen)
        returning id into made;
    end if;
    update incident_fingerprints f
       set incident_id = coalesce(f.home_incident_id, made), home_incident_id = null,
           moved_from = source, moved_at = clock_timestamp(), moved_by = person
     where f.project_id = project and f.fingerprint = any (wanted);
    update incidents i set merged_into = null where i.project_id = project and i.id = any (homes);
    -- What described this incident has gone with its own fingerprints: the home of what most of its events are describes it.
    if not exists (select from incident_fingerprints f
                    where f.project_id = project and f.incident_id = source and f.home_incident_id is null) then
        update incidents i
           set level = h.level, kind = h.kind, title = h.title, culprit = h.culprit, platform = h.platform
          from incidents h
         where i.project_id = project and i.id = source and h.project_id = project
           and h.id = (select f.home_incident_id from incident_fingerprints f
                        where f.project_id = project and f.incident_id = source
                        order by f.event_count desc, f.fingerprint limit 1);
    end if;
    perform add_up_incidents(project, homes || source || coalesce(made, source));
    return query
    select null::text, f.fingerprint, f.incident_id
      from incident_fingerprints f
     where f.project_id = project and f.fingerprint = any (wanted)
     order by f.fingerprint;
end
$$;

-- What accounts and the people counted by them are kept for.

-- As in 0051, with the people who met the incident.
create or replace function prune_incidents(days integer, max_rows integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    project bigint;
    old bigint[];
    before timestamptz;
    gone integer;
begin
    select f.project_id, f.ids, f.before into project, old, before
      from projects p
     cross join lateral (
           select p.id as project_id, array_agg(i.id) as ids, b.before
             from (select now() - make_interval(days => greatest(days, p.retention_days) + 31) as before) b
            cross join lateral (
                  select i.id from incidents i
                   where i.project_id = p.id and i.last_seen < b.before and i.merged_into is null
                     and not exists (select from legal_holds h where h.project_id = i.project_id and h.ended_at is null
                                        and coalesce(h.incident_id, i.id) = i.id)
                     and not exists (select from incident_fingerprints f where f.project_id = i.project_id
                                        and f.incident_id = i.id and is_held(f.project_id, f.fingerprint))
                   order by i.last_seen limit max_rows) i
            group by b.before) f
     limit 1;
    if project is null then
        return 0;
    end if;
    -- As recording locks them: people, hourly counts, fingerprints, incidents.
    delete from incident_people c using incident_fingerprints f
     where f.project_id = project and f.incident_id = any (old) and f.last_seen < before
       and c.project_id = project and c.fingerprint = f.fingerprint;
    delete from event_counts c using incident_fingerprints f
     where f.project_id = project and f.incident_id = any (old) and f.last_seen < before
       and c.project_id = project and c.fingerprint = f.fingerprint;
    perform lock_fingerprints(project, old);
    perform from incidents i where i.project_id = project and i.id = any (old) order by i.id for update;
    -- Seen again since: it stays.
    select coalesce(array_agg(i.id), '{}') into old from incidents i
     where i.project_id = project and i.id = any (old) and i.last_seen < before;
    delete from incidents i where i.project_id = project and i.id = any (old);
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- Remove monthly usage of before a month, at most max_rows rows; answers how many. Nobody writes to a month that is over.
create function prune_usage(older_than date, max_rows integer) returns integer
language plpgsql as $$
declare
    gone integer;
begin
    delete from usage u
     where u.ctid = any (array(select o.ctid from usage o where o.month < date_trunc('month', older_than)::date limit max_rows));
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- The same of what became of events by the hour, at most max_rows rows of each project, by the beginning of each one's key; with
-- the hours' own rows, and refused attempts that are told in the trail.
create function prune_outcomes(older_than timestamptz, max_rows integer) returns integer
language plpgsql as $$
declare
    gone integer;
    total integer;
begin
    delete from outcomes o using (
        select d.project_id, d.hour, d.key_id, d.outcome, d.reason, d.shard
          from projects p
         cross join lateral (select * from outcomes i where i.project_id = p.id and i.hour < older_than
                              order by i.hour limit max_rows) d) d
     where o.project_id = d.project_id and o.hour = d.hour and o.key_id = d.key_id and o.outcome = d.outcome
       and o.reason = d.reason and o.shard = d.shard;
    get diagnostics total = row_count;
    delete from project_hours h using projects p where h.project_id = p.id and h.hour < older_than;
    get diagnostics gone = row_count;
    total := total + gone;
    delete from outcome_samples s using projects p where s.project_id = p.id and s.at < older_than;
    get diagnostics gone = row_count;
    return total + gone;
end
$$;

-- Refused attempts, which belong to the trail; at most max_rows of each workspace.
create function prune_refusals(older_than timestamptz, max_rows integer) returns integer
language plpgsql as $$
declare
    gone integer;
begin
    delete from audit_refusals r using (
        select d.* from workspaces w
         cross join lateral (select * from audit_refusals i where i.workspace_id = w.id and i.minute < older_than
                              order by i.minute limit max_rows) d) d
     where r.workspace_id = d.workspace_id and r.minute = d.minute and r.actor_kind = d.actor_kind
       and r.actor_id = d.actor_id and r.action = d.action;
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- As in 0050, whatever order the planner joins in: of a table that is no partition, the name must not be read as a date.
create or replace function partitions_of(parent regclass) returns table (name text, day date)
language sql stable as $$
    select c.relname::text, case when c.relname ~ '_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') end
      from pg_inherits h
      join pg_class c on c.oid = h.inhrelid
     where h.inhparent = parent
$$;

-- What is kept, and for how long: a change of a project's retention reaches what is stored; light rows, counts, incidents and the
-- trail have settings of their own; a legal hold suspends all of it.

-- A reason for which nothing of a project, or of one incident, is pruned or erased.
create table legal_holds (
    project_id bigint not null references projects on delete cascade,
    id bigint generated always as identity,
    incident_id bigint,
    reason text not null check (length(reason) between 1 and 1000),
    placed_by bigint references people on delete set null,
    placed_at timestamptz not null default clock_timestamp(),
    ended_by bigint references people on delete set null,
    ended_at timestamptz,
    primary key (project_id, id),
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
create unique index legal_holds_once on legal_holds (project_id, coalesce(incident_id, 0)) where ended_at is null;
create index legal_holds_by_incident on legal_holds (project_id, incident_id) where incident_id is not null;
create index legal_holds_placed_by on legal_holds (placed_by) where placed_by is not null;
create index legal_holds_ended_by on legal_holds (ended_by) where ended_by is not null;

-- Is an event of this fingerprint held? The hold of an incident goes along where its events are merged into another incident,
-- and where they are split off it.
create function is_held(project bigint, print uuid) returns boolean
language sql stable as $$
    select exists (
        select from legal_holds h
         where h.project_id = project and h.ended_at is null
           and (h.incident_id is null or exists (
                select from incident_fingerprints f
                 where f.project_id = project and f.fingerprint = print
                   and h.incident_id in (f.incident_id, f.home_incident_id, f.moved_from))))
$$;

-- Payloads that outlive their partition: held ones (kept_until is null), and those brought back from an archive for some days.
create table kept_payloads (
    project_id bigint not null references projects on delete cascade,
    received_at timestamptz not null,
    event_id uuid not null,
    fingerprint uuid not null,
    expires_on date not null,
    dictionary smallint not null,
    payload bytea not null,
    kept_until date,
    primary key (project_id, received_at, event_id)
);
alter table kept_payloads alter column payload set storage external;
create index kept_payloads_until on kept_payloads (kept_until);

-- Move held payloads of a day out of its partition; answers how many, at most max_rows. Repeat until it answers 0.
create function keep_held_payloads(expired date, max_rows integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
    moved integer;
begin
    if to_regclass(name) is null or not exists (select from legal_holds h where h.ended_at is null) then
        return 0;
    end if;
    execute format(
        'with held as (
            select p.ctid, k.fingerprint
              from %1$I p
              join event_ids k on k.project_id = p.project_id and k.event_id = p.event_id
             where p.project_id in (select h.project_id from legal_holds h where h.ended_at is null)
               and is_held(p.project_id, k.fingerprint)
             limit $1
               for update of p skip locked
        ), moved as (
            delete from %1$I p using held h where p.ctid = h.ctid returning p.*, h.fingerprint
        )
        insert into kept_payloads (project_id, received_at, event_id, fingerprint, expires_on, dictionary, payload)
        select project_id, received_at, event_id, fingerprint, expires_on, dictionary, payload from moved
        on conflict (project_id, received_at, event_id) do update set kept_until = null', name) using max_rows;
    get diagnostics moved = row_count;
    return moved;
end
$$;

-- As in 0050, and never while something held is in it: whoever places a hold and this wait for one another. Raises
-- object_in_use (55006) where something held is in the partition.
create or replace function prune_payloads(expired date) returns table (row_count bigint, bytes bigint)
language plpgsql
set lock_timeout = '2s'
as $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
    held boolean;
begin
    if expired >= today() then
        raise exception 'payloads of % have not expired', expired using errcode = 'invalid_parameter_value';
    end if;
    if to_regclass(name) is null or not pg_try_advisory_xact_lock(7306, expired - date '2000-01-01') then
        return;
    end if;
    lock table legal_holds in share mode;
    execute format('lock table %I in share update exclusive mode', name);
    execute format(
        'select exists (
            select from %I p
              join event_ids k on k.project_id = p.project_id and k.event_id = p.event_id
             where p.project_id in (select h.project_id from legal_holds h where h.ended_at is null)
               and is_held(p.project_id, k.fingerprint))', name) into held;
    if held then
        raise exception 'payloads of % are held', expired using errcode = 'object_in_use';
    end if;
    execute format(
        'with gone as (
            select project_id, count(*) as row_count from %I group by project_id
        ), told as (
            insert into audit_log (workspace_id, project_id, actor_kind, action, object_id, after)
            select p.workspace_id, p.id, ''cron'', ''retention.prune'', $1::text, jsonb_build_object(''payloads'', g.row_count)
              from gone g
              join projects p on p.id = g.project_id
        )
        select coalesce(sum(row_count), 0) from gone', name) using expired into row_count;
    bytes := pg_total_relation_size(name::regclass);
    perform set_config('lock_timeout', '100ms', true);
    execute format('drop table %I', name);
    return next;
end
$$;

-- A project's retention that was changed and has not reached all that is stored; next_day: the day received that is next.
create table retention_changes (
    project_id bigint primary key references projects on delete cascade,
    next_day date not null,
    requested_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create index retention_changes_unfinished on retention_changes (requested_at) where finished_at is null;

-- Bring what is stored of a project to its retention, a day received at a time; answers how many rows were moved (0: the day was
-- done, the next one is next), or null where nothing is left to do or another run is at it. What should have gone by now is moved
-- to yesterday, so that it goes the one way in which payloads go.
create function apply_retention(project bigint, max_rows integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    change retention_changes;
    days integer;
    was date;
    wanted date;
    name text;
    moved integer;
begin
    select c.* into change from retention_changes c
     where c.project_id = project and c.finished_at is null
       for update skip locked;
    if change.project_id is null then
        return null;
    end if;
    if change.next_day > today() then
        -- Instances remember a project's retention for less than a minute: before that, rows with the old one may still come.
        update retention_changes c
           set finished_at = case when c.requested_at < now() - interval '2 minutes' then clock_timestamp() end,
               next_day = (c.requested_at at time zone 'UTC')::date
         where c.project_id = project;
        return null;
    end if;
    select p.retention_days into days from projects p where p.id = project;
    wanted := greatest(expires_on(change.next_day::timestamp at time zone 'UTC', days), today() - 1);
    name := 'events_' || to_char(change.next_day, 'YYYYMMDD');
    if to_regclass(name) is not null then
        execute format('select e.expires_on from %I e
                         where e.project_id = $1 and e.expires_on >= today() and e.expires_on <> $2 limit 1', name)
          into was using project, wanted;
    end if;
    if was is null then
        update retention_changes c set next_day = c.next_day + 1 where c.project_id = project;
        return 0;
    end if;
    if to_regclass('event_payloads_' || to_char(wanted, 'YYYYMMDD')) is null then
        perform make_partitions(today(), today(), array[wanted]);
    end if;
    execute format(
        'with changed as (
            update %1$I e set expires_on = $3
             where e.ctid = any (array(select m.ctid from %1$I m where m.project_id = $1 and m.expires_on = $2 limit $4))
            returning e.received_at, e.event_id
        ), taken as (
            delete from %2$I p using changed c
             where p.project_id = $1 and p.received_at = c.received_at and p.event_id = c.event_id and p.expires_on = $2
            returning p.*
        ), put as (
            insert into event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
            select project_id, received_at, event_id, $3, dictionary, payload from taken
        )
        select count(*) from changed', name, 'event_payloads_' || to_char(was, 'YYYYMMDD'))
      into moved using project, was, wanted, max_rows;
    return moved;
end
$$;

-- Remove light rows of a day, with what remembers that the event is known; answers how many, at most max_rows. A row stays while
-- its payload is there or it is held. Once none is left, the partition is dropped, and the answer is null.
create function prune_events(received date, max_rows integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    name text := 'events_' || to_char(received, 'YYYYMMDD');
    is_there boolean;
    gone integer;
begin
    if to_regclass(name) is null or not pg_try_advisory_xact_lock(7307, received - date '2000-01-01') then
        return null;
    end if;
    execute format(
        'with gone as (
            delete from %1$I e
             where e.ctid = any (array(
                   select m.ctid from %1$I m where m.expires_on < today() and not is_held(m.project_id, m.fingerprint) limit $1))
            returning e.project_id, e.event_id
        ), locked as (
            select k.ctid from event_ids k join gone g on g.project_id = k.project_id and g.event_id = k.event_id
             order by k.project_id, k.event_id
               for update of k
        ), forgotten as (
            delete from event_ids k using locked l where k.ctid = l.ctid
        )
        select count(*) from gone', name) into gone using max_rows;
    if gone > 0 then
        return gone;
    end if;
    execute format('lock table %I in share update exclusive mode', name);
    execute format('select exists (select from %I)', name) into is_there;
    if is_there then
        return 0;
    end if;
    perform set_config('lock_timeout', '100ms', true);
    execute format('drop table %I', name);
    return null;
end
$$;

-- How far a sweep over a whole table has come; one that has passed is due again after some hours.
create table retention_sweeps (
    step text primary key,
    position jsonb,
    passed_at timestamptz
);
insert into retention_sweeps (step) values ('counts');

-- Look at the next max_rows hourly counts, by key, and remove those of hours before a time. Answers how many it looked at and
-- how many it removed; none looked at: the sweep has passed, or another run is at it.
create function prune_counts(before timestamptz, max_rows integer) returns table (seen bigint, removed bigint)
language plpgsql as $$
declare
    at jsonb;
    claimed boolean;
    last jsonb;
begin
    select true, s.position into claimed, at from retention_sweeps s
     where s.step = 'counts' and (s.passed_at is null or s.passed_at < now() - interval '6 hours')
       for update skip locked;
    seen := 0; removed := 0;
    if claimed then
        with page as materialized (
            select c.* from event_counts c
             where at is null
                or (c.project_id, c.fingerprint, c.hour, c.environment, c.release) >
                   ((at ->> 0)::bigint, (at ->> 1)::uuid, (at ->> 2)::timestamptz, at ->> 3, at ->> 4)
             order by c.project_id, c.fingerprint, c.hour, c.environment, c.release
             limit max_rows
        ), gone as (
            delete from event_counts c using page p
             where p.hour < before and not is_held(p.project_id, p.fingerprint)
               and c.project_id = p.project_id and c.fingerprint = p.fingerprint and c.hour = p.hour
               and c.environment = p.environment and c.release = p.release
            returning 1
        )
        select (select count(*) from page), (select count(*) from gone),
               (select jsonb_build_array(p.project_id, p.fingerprint, p.hour, p.environment, p.release) from page p
                 order by p.project_id desc, p.fingerprint desc, p.hour desc, p.environment desc, p.release desc limit 1)
          into seen, removed, last;
        update retention_sweeps s
           set position = last, passed_at = case when last is null then clock_timestamp() end
         where s.step = 'counts';
    end if;
    return next;
end
$$;

-- Remove incidents of one project that were last seen so many days ago, with the hourly counts of their fingerprints; answers how
-- many, 0: there are none left. Never one that may still have events (an event may have happened 30 days before it came), or
-- that is held. Locks as merges do: fingerprints, then incidents.
create function prune_incidents(days integer, max_rows integer) returns integer
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
    perform lock_fingerprints(project, old);
    perform from incidents i where i.project_id = project and i.id = any (old) order by i.id for update;
    -- Seen again since: it stays.
    select coalesce(array_agg(i.id), '{}') into old from incidents i
     where i.project_id = project and i.id = any (old) and i.last_seen < before;
    delete from event_counts c using incident_fingerprints f
     where f.project_id = project and f.incident_id = any (old) and c.project_id = project and c.fingerprint = f.fingerprint;
    delete from incidents i where i.project_id = project and i.id = any (old);
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- Remove entries of the trail of before a time; answers how many, at most max_rows of each workspace.
create function prune_audit(older_than timestamptz, max_rows integer) returns integer
language plpgsql
set "sensra.audit_erasure" = 'on'
as $$
declare
    gone integer;
begin
    delete from audit_log a
     using workspaces w
     cross join lateral (select o.id, o.at from audit_log o where o.workspace_id = w.id order by o.id limit max_rows) o
     where o.at < older_than and a.workspace_id = w.id and a.id = o.id;
    get diagnostics gone = row_count;
    return gone;
end
$$;

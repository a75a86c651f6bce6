-- Recording a batch, with its accounts: people, samples of payloads, usage, outcomes, spikes. Still one call, one round trip, one
-- commit; see 0002_record_events.sql for what it guarantees, all of which still holds.
--
-- The order of locks is now: fingerprint_minutes, event_ids, releases, incident_people, event_counts, incident_fingerprints of
-- earlier versions, then of the current one, incidents, usage, outcomes, project_hours. What many batches write at once comes last.

alter type event_group add attribute kept_count bigint;

-- What became of the events of one key in a batch.
create type tally as (
    project_id bigint, key_id bigint, outcome text, reason text, event_count bigint, payload_bytes bigint
);

-- The one fingerprint under which a project's events gather whose own would have been one new kind too many. No event has it by
-- itself: those are 128 bits of a hash.
create function overflow_fingerprint() returns uuid language sql immutable parallel safe as $$
    select '00000000-0000-0000-0000-00000000000f'::uuid
$$;

-- Is the payload of a fingerprint's nth event of a day one of the sample? The first `most` are; then one of two until there are
-- twice as many events, one of four until four times, and so on: a thousandfold flood keeps six times what it always keeps.
create function is_sample(nth bigint, most integer) returns boolean language sql immutable parallel safe as $$
    select case when $1 <= $2 then true
                else $1 % power(2, ceil(ln($1::float8 / $2) / ln(2)))::bigint = 0 end
$$;

-- How many events of an hour are a spike: spike_factor times the median of the project's hours of the last seven days, those that
-- were a spike themselves left out, so that none teaches the next; at least 1,000. Null without a factor, and for a project that
-- has not been there for 24 such hours: nobody knows yet what is usual there.
create function spike_events(project bigint, this_hour timestamptz, factor integer) returns bigint
language sql stable as $$
    with counted as (
        select o.hour, sum(o.event_count) as event_count
          from outcomes o
         where o.project_id = project and o.hour >= this_hour - interval '7 days' and o.hour < this_hour
           and o.outcome in ('accepted', 'sampled')
         group by o.hour
    ), hours as (
        select h.hour, coalesce(c.event_count, 0) as event_count
          from generate_series((select min(hour) from counted), this_hour - interval '1 hour', interval '1 hour') h (hour)
          left join counted c on c.hour = h.hour
         where not exists (select from project_hours p
                            where p.project_id = project and p.hour = h.hour and p.protected_at is not null)
    )
    select case when count(*) >= 24 and factor is not null
                then greatest(1000, factor * percentile_cont(0.5) within group (order by event_count))::bigint end
      from hours
$$;

-- The batch, where a project's new fingerprints are more than its minute has left: the events of those that are too many lead to
-- the overflow fingerprint instead. They are stored and counted like any other, and their kind makes an incident of its own when
-- it comes again in a minute that has room. A fingerprint that follows an earlier version's is not new.
create function cap_fingerprints(batch jsonb, received timestamptz) returns jsonb
language plpgsql as $$
declare
    this_minute timestamptz := date_trunc('minute', received);
    project record;
    used integer;
    over jsonb := '{}';
begin
    for project in
        with kinds as (
            select b.project_id, b.fingerprint, min(b.ord) as ord
              from jsonb_to_recordset(batch) as b (project_id bigint, fingerprint uuid, previous jsonb, ord integer)
             where not exists (select from incident_fingerprints f
                                where f.project_id = b.project_id and f.fingerprint = b.fingerprint)
               and not exists (select from incident_fingerprints f
                                where f.project_id = b.project_id and b.previous is not null
                                  and f.fingerprint in (select p::uuid from jsonb_array_elements_text(b.previous) p))
             group by b.project_id, b.fingerprint
        )
        select k.project_id, p.fingerprints_per_minute_max as most, array_agg(k.fingerprint order by k.ord) as kinds
          from kinds k
          join projects p on p.id = k.project_id
         group by k.project_id, p.fingerprints_per_minute_max
         order by k.project_id
    loop
        -- Looked at before it is locked: batches of a flood that has used up its minute do not wait for one another.
        select m.made into used from fingerprint_minutes m where m.project_id = project.project_id and m.minute >= this_minute;
        if used is null or used < project.most then
            insert into fingerprint_minutes as m (project_id, minute, made)
            values (project.project_id, this_minute, 0)
            on conflict (project_id) do update
               set made = case when m.minute >= excluded.minute then m.made else 0 end,
                   minute = greatest(m.minute, excluded.minute)
            returning m.made into used;
            update fingerprint_minutes m
               set made = least(project.most, used + cardinality(project.kinds))
             where m.project_id = project.project_id;
        end if;
        if used + cardinality(project.kinds) > project.most then
            over := over || jsonb_build_object(project.project_id::text,
                                               to_jsonb(project.kinds[greatest(project.most - used, 0) + 1 :]));
        end if;
    end loop;
    if over = '{}' then
        return batch;
    end if;
    return (
        select jsonb_agg(
                 case when over -> (e.value ->> 'project_id') ? (e.value ->> 'fingerprint')::uuid::text
                      then e.value - 'previous' || jsonb_build_object(
                               'fingerprint', overflow_fingerprint(), 'version', 0, 'rule', 'overflow', 'parts', '[]'::jsonb,
                               'reason', 'Events of new kinds, of which this project had more than it takes in a minute.',
                               'title', 'More new kinds of errors at once than are told apart', 'kind', null, 'culprit', null,
                               'platform', 'other')
                      else e.value end
                 order by e.nth)
          from jsonb_array_elements(batch) with ordinality e (value, nth));
end
$$;

-- Write down what became of a batch's events. Last of all, since a project's rows are written by every batch of it.
create function tally_up(tallies tally[], received timestamptz) returns void
language plpgsql as $$
declare
    this_hour timestamptz := date_trunc('hour', received);
    project record;
begin
    with used as (
        insert into usage as u (workspace_id, month, project_id, shard, event_count, payload_bytes)
        select p.workspace_id, date_trunc('month', received at time zone 'UTC')::date, t.project_id, shard(),
               sum(t.event_count), sum(t.payload_bytes)
          from unnest(tallies) t
          join projects p on p.id = t.project_id
         where t.outcome <> 'duplicate'
         group by 1, 2, 3
         order by 1, 2, 3
        on conflict (workspace_id, month, project_id, shard) do update
           set event_count = u.event_count + excluded.event_count, payload_bytes = u.payload_bytes + excluded.payload_bytes
    )
    insert into outcomes as o (project_id, hour, key_id, outcome, reason, shard, event_count)
    select t.project_id, this_hour, t.key_id, t.outcome, t.reason, shard(), t.event_count
      from unnest(tallies) t
     order by 1, 3, 4, 5
    on conflict (project_id, hour, key_id, outcome, reason, shard) do update
       set event_count = o.event_count + excluded.event_count;

    for project in
        select t.project_id, h.hour is null as is_new_hour
          from (select distinct project_id from unnest(tallies)) t
          left join project_hours h on h.project_id = t.project_id and h.hour = this_hour
         where h.hour is null
            or h.protected_at is null and h.spike_events is not null
               and h.spike_events < (select sum(o.event_count) from outcomes o
                                      where o.project_id = t.project_id and o.hour = this_hour
                                        and o.outcome in ('accepted', 'sampled'))
         order by t.project_id
    loop
        if project.is_new_hour then
            insert into project_hours (project_id, hour, spike_events)
            select p.id, this_hour, spike_events(p.id, this_hour, p.spike_factor)
              from projects p
             where p.id = project.project_id
            on conflict do nothing;
        else
            perform protect(project.project_id, this_hour);
        end if;
    end loop;
end
$$;

-- From now until the hour ends a project's payloads are sampled. Its admins are told once a spike, however many hours it lasts.
create function protect(project bigint, this_hour timestamptz) returns void
language sql as $$
    with protected as (
        update project_hours h
           set protected_at = clock_timestamp()
         where h.project_id = project and h.hour = this_hour and h.protected_at is null
        returning h.spike_events
    )
    insert into notices (workspace_id, project_id, kind, detail)
    select p.workspace_id, p.id, 'spike',
           jsonb_build_object('hour', this_hour, 'spike_events', s.spike_events, 'spike_factor', p.spike_factor)
      from protected s
      join projects p on p.id = project
     where not exists (select from project_hours h
                        where h.project_id = project and h.hour = this_hour - interval '1 hour' and h.protected_at is not null)
$$;

-- batch: a JSON array, one object an event, each (project_id, event_id) at most once. payloads: the compressed payload of each,
-- in the same order. An event may name the fingerprints that earlier versions of the algorithm give it (previous, the newest
-- first): where its own is unknown, it joins the incident of the first of these that is known, so that a new version of the
-- algorithm splits no incident. Answers one row for each fingerprint (event_id null), and one for each event known already.
create or replace function record_events(batch jsonb, payloads bytea[])
returns table (project_id bigint, fingerprint uuid, event_id uuid, incident_id bigint, transition text)
language plpgsql
-- A row that somebody holds costs a batch two seconds and not its whole time: lib/recording.py then writes project by project.
set lock_timeout = '2s'
as $$
#variable_conflict use_column
declare
    received timestamptz := clock_timestamp();
    today date := (received at time zone 'UTC')::date;
    this_hour timestamptz := date_trunc('hour', received);
    groups event_group[];
    known event_ids[];
    inherited inheritance[];
    found incident_fingerprints[];
    tallies tally[];
    newcomers incident_people[];
begin
    if exists (select from jsonb_to_recordset(batch) as b (project_id bigint, fingerprint uuid)
                where not exists (select from incident_fingerprints f
                                   where f.project_id = b.project_id and f.fingerprint = b.fingerprint)) then
        batch := cap_fingerprints(batch, received);
    end if;

    with incoming as materialized (
        select b.*, expires_on(received, b.retention_days) as expires_on
          from jsonb_to_recordset(batch) as b (
            ord integer, project_id bigint, event_id uuid, fingerprint uuid, occurred_at timestamptz, retention_days integer,
            level text, release text, release_key text, environment text, service text, route text, user_hash text,
            removed_count integer, dictionary smallint, key_id bigint)
    ), fresh as (
        insert into event_ids (project_id, event_id, received_at, fingerprint)
        select project_id, event_id, received, fingerprint from incoming order by project_id, event_id
        on conflict do nothing
        returning project_id, event_id
    ), numbered as (
        -- The nth event of its fingerprint in this batch, and of the day.
        select i.*, row_number() over same_kind as nth,
               case when k.counted_on = today then k.counted_today else 0 end + row_number() over same_kind as nth_today,
               case when k.counted_on = today then k.kept_today else 0 end as kept_today, k.kept_at, k.environments,
               case when h.protected_at is null then p.payloads_per_day else greatest(1, p.payloads_per_day / 10) end as most,
               h.protected_at is not null as spiking
          from incoming i
          join fresh f on f.project_id = i.project_id and f.event_id = i.event_id
          left join projects p on p.id = i.project_id
          left join incident_fingerprints k on k.project_id = i.project_id and k.fingerprint = i.fingerprint
          left join project_hours h on h.project_id = i.project_id and h.hour = this_hour
        window same_kind as (partition by i.project_id, i.fingerprint order by i.ord)
    ), stored as materialized (
        -- Beside the sample: the first one of a batch where none was kept for a minute, so that there always is a new one; and
        -- what comes from a release or an environment that the fingerprint was not seen in, while these are not a flood too.
        select n.*, octet_length(payloads[n.ord]) as payload_bytes,
               not (is_sample(n.nth_today, n.most)
                    or n.nth = 1 and n.kept_at < received - interval '1 minute'
                    or n.kept_today < 2 * n.most
                       and (n.environment is not null and not n.environment = any (n.environments)
                            or n.release is not null
                               and not exists (select from event_counts c where c.project_id = n.project_id
                                                  and c.release = n.release and c.fingerprint = n.fingerprint))) as sampled
          from numbered n
    ), people as (
        insert into incident_people (project_id, user_hash, fingerprint)
        select distinct project_id, decode(user_hash, 'hex'), fingerprint
          from stored
         where user_hash is not null
         order by 1, 2, 3
        on conflict do nothing
        returning project_id, user_hash, fingerprint
    ), light as (
        insert into events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level, release,
                            environment, service, route, user_hash, removed_count, sampled)
        select project_id, fingerprint, received, event_id, occurred_at, expires_on, level, release,
               environment, service, route, decode(user_hash, 'hex'), removed_count, sampled
          from stored
    ), heavy as (
        insert into event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
        select project_id, received, event_id, expires_on, dictionary, payloads[ord] from stored where not sampled
    ), named as (
        insert into releases (project_id, release, release_key, first_seen)
        select distinct on (project_id, release) project_id, release, release_key, received
          from stored s
         where release is not null
           and not exists (select from releases r where r.project_id = s.project_id and r.release = s.release)
         order by project_id, release
        on conflict do nothing
    ), grouped as (
        select project_id, fingerprint, date_trunc('hour', occurred_at) as hour, coalesce(environment, '') as environment,
               coalesce(release, '') as release, min(release_key) as release_key, count(*) as event_count,
               min(occurred_at) as first_seen, max(occurred_at) as last_seen, min(ord) as ord,
               count(*) filter (where not sampled) as kept_count
          from stored
         group by 1, 2, 3, 4, 5
    ), tallied as (
        select project_id, coalesce(key_id, 0) as key_id, case when sampled then 'sampled' else 'accepted' end as outcome,
               case when sampled and spiking then 'spike' when sampled then 'incident_payloads'
                    when fingerprint = overflow_fingerprint() then 'new_fingerprints' else '' end as reason,
               count(*) as event_count, coalesce(sum(payload_bytes) filter (where not sampled), 0) as payload_bytes
          from stored
         group by 1, 2, 3, 4
         union all
        select i.project_id, coalesce(i.key_id, 0), 'duplicate', '', count(*), 0
          from incoming i
         where not exists (select from fresh f where f.project_id = i.project_id and f.event_id = i.event_id)
         group by 1, 2
    )
    select (select array_agg(row(g.*)::event_group) from grouped g),
           (select array_agg(row(i.project_id, i.event_id, received, i.fingerprint)::event_ids)
              from incoming i
             where not exists (select from fresh f where f.project_id = i.project_id and f.event_id = i.event_id)),
           (select array_agg(row(t.*)::tally) from tallied t),
           (select array_agg(row(p.*)::incident_people) from people p)
      into groups, known, tallies, newcomers;

    if groups is not null then
        insert into event_counts as c (project_id, fingerprint, hour, environment, release, event_count)
        select project_id, fingerprint, hour, environment, release, event_count
          from unnest(groups)
         order by 1, 2, 3, 4, 5
        on conflict (project_id, fingerprint, hour, environment, release)
        do update set event_count = c.event_count + excluded.event_count;

        -- Only while the algorithm changes versions. The earlier fingerprint is locked, so that a merge that moves it waits,
        -- and moves the new one with it.
        if batch @? '$[*].previous' then
            with wanted as (
                select distinct on (g.project_id, g.fingerprint, w.value)
                       g.project_id, g.fingerprint, w.value::uuid as previous, w.nth
                  from unnest(groups) g
                 cross join jsonb_array_elements_text(batch -> (g.ord - 1) -> 'previous') with ordinality w (value, nth)
                 where not exists (select from incident_fingerprints k
                                    where k.project_id = g.project_id and k.fingerprint = g.fingerprint)
                 order by g.project_id, g.fingerprint, w.value, w.nth
            ), locked as materialized (
                select p.*
                  from incident_fingerprints p
                 where (p.project_id, p.fingerprint) in (select w.project_id, w.previous from wanted w)
                 order by p.version, p.project_id, p.fingerprint
                   for share
            ), first as (
                select distinct on (w.project_id, w.fingerprint) w.project_id, w.fingerprint as successor, p.fingerprint,
                       p.incident_id, p.home_incident_id, p.moved_from, p.moved_at, p.moved_by
                  from wanted w
                  join locked p on p.project_id = w.project_id and p.fingerprint = w.previous
                 order by w.project_id, w.fingerprint, w.nth
            )
            select array_agg(row(f.project_id, f.successor, f.fingerprint, f.incident_id, f.home_incident_id, f.moved_from,
                                 f.moved_at, f.moved_by)::inheritance)
              into inherited from first f;
        end if;

        -- nextval is asked only where the fingerprint is unknown, so that ids have no holes of the size of the traffic.
        with counted as (
            select project_id, fingerprint, sum(event_count) as event_count, sum(kept_count) as kept_count,
                   min(first_seen) as first_seen, max(last_seen) as last_seen, min(ord) as ord,
                   coalesce(array_agg(distinct environment) filter (where environment <> ''), '{}') as environments,
                   (array_agg(release order by first_seen) filter (where release <> ''))[1] as first_release,
                   min(first_seen) filter (where release <> '') as first_release_seen,
                   (array_agg(release order by last_seen desc) filter (where release <> ''))[1] as last_release,
                   max(last_seen) filter (where release <> '') as last_release_seen
              from unnest(groups)
             group by 1, 2
        ), upserted as (
            insert into incident_fingerprints as f
                (project_id, fingerprint, incident_id, version, rule, reason, parts, event_count, first_seen, last_seen,
                 environments, first_release, first_release_seen, last_release, last_release_seen,
                 home_incident_id, moved_from, moved_at, moved_by, previous_fingerprint,
                 people_count, counted_on, counted_today, kept_today, kept_at)
            select c.project_id, c.fingerprint, coalesce(k.incident_id, h.incident_id, nextval('incident_ids')),
                   (batch -> (c.ord - 1) ->> 'version')::smallint, batch -> (c.ord - 1) ->> 'rule',
                   batch -> (c.ord - 1) ->> 'reason', batch -> (c.ord - 1) -> 'parts',
                   c.event_count, c.first_seen, c.last_seen,
                   c.environments, c.first_release, c.first_release_seen, c.last_release, c.last_release_seen,
                   h.home_incident_id, h.moved_from, h.moved_at, h.moved_by, h.previous_fingerprint,
                   coalesce(n.people_count, 0), today, c.event_count, c.kept_count,
                   case when c.kept_count > 0 then received end
              from counted c
              left join incident_fingerprints k on k.project_id = c.project_id and k.fingerprint = c.fingerprint
              left join unnest(inherited) h on h.project_id = c.project_id and h.fingerprint = c.fingerprint
              left join (select project_id, fingerprint, count(*) as people_count
                           from unnest(newcomers) group by 1, 2) n
                     on n.project_id = c.project_id and n.fingerprint = c.fingerprint
             order by c.project_id, c.fingerprint
            on conflict (project_id, fingerprint) do update
               set event_count = f.event_count + excluded.event_count,
                   first_seen = least(f.first_seen, excluded.first_seen),
                   last_seen = greatest(f.last_seen, excluded.last_seen),
                   -- Bounded: a client that names a new one with each event must not make a row that grows for ever.
                   environments = case when excluded.environments <@ f.environments or cardinality(f.environments) >= 100
                                       then f.environments
                                       else array(select distinct unnest(f.environments || excluded.environments) order by 1) end,
                   first_release = case when f.first_release_seen <= excluded.first_release_seen then f.first_release
                                        else coalesce(excluded.first_release, f.first_release) end,
                   first_release_seen = least(f.first_release_seen, excluded.first_release_seen),
                   last_release = case when f.last_release_seen > excluded.last_release_seen then f.last_release
                                       else coalesce(excluded.last_release, f.last_release) end,
                   last_release_seen = greatest(f.last_release_seen, excluded.last_release_seen),
                   people_count = f.people_count + excluded.people_count,
                   counted_on = excluded.counted_on,
                   counted_today = excluded.counted_today
                                   + case when f.counted_on = excluded.counted_on then f.counted_today else 0 end,
                   kept_today = excluded.kept_today
                                + case when f.counted_on = excluded.counted_on then f.kept_today else 0 end,
                   kept_at = coalesce(excluded.kept_at, f.kept_at)
            returning f.*
        )
        select array_agg(row(u.*)::incident_fingerprints) into found from upserted u;

        -- Locked in order before they are looked at: what is decided below is decided on the row that is then changed.
        perform from incidents i
          where (i.project_id, i.id) in (select f.project_id, f.incident_id from unnest(found) f)
          order by i.project_id, i.id
            for no key update;

        return query
        with met as (
            -- Who meets an incident under a second of its fingerprints has been counted. Asked while the incident is locked, so
            -- that two who bring the same person in at once do not both count them.
            select f.project_id, f.incident_id, count(distinct n.user_hash) as people_count
              from unnest(newcomers) n
              join unnest(found) f on f.project_id = n.project_id and f.fingerprint = n.fingerprint
             where not exists (
                   select from incident_people p
                     join incident_fingerprints o on o.project_id = p.project_id and o.fingerprint = p.fingerprint
                    where p.project_id = n.project_id and p.user_hash = n.user_hash and o.incident_id = f.incident_id
                      and not exists (select from unnest(newcomers) s where s.project_id = p.project_id
                                         and s.user_hash = p.user_hash and s.fingerprint = p.fingerprint))
             group by 1, 2
        ), changed as (
            select f.project_id, f.incident_id, i.id is null as is_new, sum(g.event_count) as event_count,
                   min(g.first_seen) as first_seen, max(g.last_seen) as last_seen,
                   (array_agg(g.release order by g.first_seen) filter (where g.release <> ''))[1] as first_release,
                   min(g.first_seen) filter (where g.release <> '') as first_release_seen,
                   (array_agg(g.release order by g.last_seen desc) filter (where g.release <> ''))[1] as last_release,
                   max(g.last_seen) filter (where g.release <> '') as last_release_seen,
                   array_agg(distinct g.environment) filter (where g.environment <> '') as environments,
                   coalesce(bool_or(reopens(i, g.release, g.release_key, g.last_seen, received)), false) as reopens,
                   batch -> (min(g.ord) - 1) as event
              from unnest(groups) g
              join unnest(found) f on f.project_id = g.project_id and f.fingerprint = g.fingerprint
              left join incidents i on i.project_id = f.project_id and i.id = f.incident_id
             group by f.project_id, f.incident_id, i.project_id, i.id
        ), inserted as (
            insert into incidents (project_id, id, level, kind, title, culprit, platform, event_count, first_seen, last_seen,
                                   first_release, first_release_seen, last_release, last_release_seen, environments,
                                   people_count)
            select project_id, incident_id, event ->> 'level', event ->> 'kind', event ->> 'title', event ->> 'culprit',
                   event ->> 'platform', event_count, first_seen, last_seen,
                   first_release, first_release_seen, last_release, last_release_seen, coalesce(environments, '{}'),
                   coalesce(people_count, 0)
              from changed
              left join met using (project_id, incident_id)
             where is_new
            returning project_id, id, 'new' as transition
        ), updated as (
            update incidents i
               set event_count = i.event_count + c.event_count,
                   people_count = i.people_count + coalesce(n.people_count, 0),
                   first_seen = least(i.first_seen, c.first_seen),
                   last_seen = greatest(i.last_seen, c.last_seen),
                   first_release = case when i.first_release_seen <= c.first_release_seen then i.first_release
                                        else coalesce(c.first_release, i.first_release) end,
                   first_release_seen = least(i.first_release_seen, c.first_release_seen),
                   last_release = case when i.last_release_seen > c.last_release_seen then i.last_release
                                       else coalesce(c.last_release, i.last_release) end,
                   last_release_seen = greatest(i.last_release_seen, c.last_release_seen),
                   environments = case when c.environments is null or c.environments <@ i.environments
                                            or cardinality(i.environments) >= 100 then i.environments
                                       else array(select distinct unnest(i.environments || c.environments) order by 1) end,
                   regressed_at = case when t.kind = 'regressed' then received else i.regressed_at end,
                   escalated_at = case when t.kind = 'escalated' then received else i.escalated_at end,
                   status_changed_at = case when t.kind is null then i.status_changed_at else received end,
                   status = case when t.kind is null then i.status else 'open' end
              from changed c
              join incidents was on was.project_id = c.project_id and was.id = c.incident_id
              left join met n on n.project_id = c.project_id and n.incident_id = c.incident_id
              cross join lateral (
                select case when c.reopens then 'regressed'
                            when was.status = 'ignored' and (was.ignored_until <= received
                                 or was.ignored_until_count <= was.event_count + c.event_count) then 'escalated' end
              ) t (kind)
             where i.project_id = c.project_id and i.id = c.incident_id
            returning i.project_id, i.id, t.kind as transition
        ), moved as (
            select * from inserted union all select * from updated
        ), told as (
            insert into transitions (project_id, incident_id, kind, event_id, release, environment, created_at)
            select m.project_id, m.id, m.transition, (c.event ->> 'event_id')::uuid, c.event ->> 'release',
                   c.event ->> 'environment', received
              from moved m
              join changed c on c.project_id = m.project_id and c.incident_id = m.id
             where m.transition is not null
        )
        select f.project_id, f.fingerprint, null::uuid, f.incident_id, m.transition
          from unnest(found) f
          join moved m on m.project_id = f.project_id and m.id = f.incident_id;
    end if;

    perform tally_up(tallies, received);

    if known is not null then
        return query
        select k.project_id, e.fingerprint, k.event_id, f.incident_id, null::text
          from unnest(known) k
          join event_ids e on e.project_id = k.project_id and e.event_id = k.event_id
          left join incident_fingerprints f on f.project_id = e.project_id and f.fingerprint = e.fingerprint;
    end if;
end
$$;

-- Make incidents the sum of their fingerprints. "Ignored until N more" keeps its N. One without any keeps what it last was, but
-- for its count.
create or replace function add_up_incidents(project bigint, incidents bigint[]) returns void
language sql as $$
    update incidents i
       set event_count = t.event_count,
           people_count = t.people_count,
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
                      order by 1) as environments,
               -- One who met several of its fingerprints is one.
               (select count(distinct p.user_hash)
                  from incident_fingerprints o
                  join incident_people p on p.project_id = o.project_id and p.fingerprint = o.fingerprint
                 where o.project_id = project and o.incident_id = w.id) as people_count
          from (select distinct unnest(incidents) as id) w
          left join incident_fingerprints f on f.project_id = project and f.incident_id = w.id
         group by w.id
      ) t
     where i.project_id = project and i.id = t.id
$$;

-- Recording a batch of events: one call, one round trip, one commit.
--
-- Guarantees: an event is stored once however often it is sent; counts are exact; what changed about an incident is written
-- in the same commit. Rows are always locked in the same order (event_ids, releases, event_counts, incident_fingerprints of
-- earlier versions, then of the current one, incidents, each sorted by key), so that concurrent batches, merges and splits wait
-- for one another but never deadlock; the hottest rows come last, so that they are locked shortest.

-- Events of one batch that count alike.
create type event_group as (
    project_id bigint, fingerprint uuid, hour timestamptz, environment text, release text, release_key text,
    event_count bigint, first_seen timestamptz, last_seen timestamptz, ord integer
);

-- Where a new fingerprint leads because an earlier version's fingerprint of the same event leads there.
create type inheritance as (
    project_id bigint, fingerprint uuid, previous_fingerprint uuid, incident_id bigint, home_incident_id bigint,
    moved_from bigint, moved_at timestamptz, moved_by bigint
);

-- Does an event of this release ('' where it has none) mean that a resolved incident is back? An older release does not: its
-- servers were only not updated yet. Newer is decided by SemVer where both parse, otherwise by what the project saw first; seen
-- first in one batch, neither is newer.
create function reopens(i incidents, release text, release_key text, seen_at timestamptz, received_at timestamptz)
returns boolean
language plpgsql stable as $$
declare
    base releases;
    this_first_seen timestamptz;
    ordering integer := 0;
begin
    if i.status is distinct from 'resolved' then
        return false;
    end if;
    if release <> '' and i.resolved_release is not null and release <> i.resolved_release then
        select r.* into base from releases r where r.project_id = i.project_id and r.release = i.resolved_release;
        if release_key is not null and base.release_key is not null then
            ordering := case when release_key > base.release_key then 1 when release_key < base.release_key then -1 else 0 end;
        else
            select r.first_seen into this_first_seen from releases r
             where r.project_id = i.project_id and r.release = reopens.release;
            ordering := case when this_first_seen > base.first_seen then 1
                             when this_first_seen < base.first_seen then -1 else 0 end;
        end if;
    end if;
    return case when ordering <> 0 then ordering > 0
                -- The same release, or none to compare: it is back unless it happened before somebody said "resolved". Its own
                -- clock says so for an hour; then it is not believed any more: it may be slow, and would hide what is back.
                else not i.resolved_in_next_release
                     and greatest(seen_at, received_at - interval '1 hour') > i.status_changed_at end;
end
$$;

-- batch: a JSON array, one object an event, each (project_id, event_id) at most once. payloads: the compressed payload of each,
-- in the same order. An event may name the fingerprints that earlier versions of the algorithm give it (previous, the newest
-- first): where its own is unknown, it joins the incident of the first of these that is known, so that a new version of the
-- algorithm splits no incident. Answers one row for each fingerprint (event_id null), and one for each event known already.
create function record_events(batch jsonb, payloads bytea[])
returns table (project_id bigint, fingerprint uuid, event_id uuid, incident_id bigint, transition text)
language plpgsql as $$
#variable_conflict use_column
declare
    received timestamptz := clock_timestamp();
    groups event_group[];
    known event_ids[];
    inherited inheritance[];
    found incident_fingerprints[];
begin
    with incoming as materialized (
        select b.*, expires_on(received, b.retention_days) as expires_on
          from jsonb_to_recordset(batch) as b (
            ord integer, project_id bigint, event_id uuid, fingerprint uuid, occurred_at timestamptz, retention_days integer,
            level text, release text, release_key text, environment text, service text, route text, user_hash text,
            removed_count integer, dictionary smallint)
    ), fresh as (
        insert into event_ids (project_id, event_id, received_at, fingerprint)
        select project_id, event_id, received, fingerprint from incoming order by project_id, event_id
        on conflict do nothing
        returning project_id, event_id
    ), stored as materialized (
        select i.* from incoming i join fresh f on f.project_id = i.project_id and f.event_id = i.event_id
    ), light as (
        insert into events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level, release,
                            environment, service, route, user_hash, removed_count)
        select project_id, fingerprint, received, event_id, occurred_at, expires_on, level, release,
               environment, service, route, decode(user_hash, 'hex'), removed_count
          from stored
    ), heavy as (
        insert into event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
        select project_id, received, event_id, expires_on, dictionary, payloads[ord] from stored
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
               min(occurred_at) as first_seen, max(occurred_at) as last_seen, min(ord) as ord
          from stored
         group by 1, 2, 3, 4, 5
    )
    select (select array_agg(row(g.*)::event_group) from grouped g),
           (select array_agg(row(i.project_id, i.event_id, received, i.fingerprint)::event_ids)
              from incoming i
             where not exists (select from fresh f where f.project_id = i.project_id and f.event_id = i.event_id))
      into groups, known;

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
            select project_id, fingerprint, sum(event_count) as event_count, min(first_seen) as first_seen,
                   max(last_seen) as last_seen, min(ord) as ord,
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
                 home_incident_id, moved_from, moved_at, moved_by, previous_fingerprint)
            select c.project_id, c.fingerprint, coalesce(k.incident_id, h.incident_id, nextval('incident_ids')),
                   (batch -> (c.ord - 1) ->> 'version')::smallint, batch -> (c.ord - 1) ->> 'rule',
                   batch -> (c.ord - 1) ->> 'reason', batch -> (c.ord - 1) -> 'parts',
                   c.event_count, c.first_seen, c.last_seen,
                   c.environments, c.first_release, c.first_release_seen, c.last_release, c.last_release_seen,
                   h.home_incident_id, h.moved_from, h.moved_at, h.moved_by, h.previous_fingerprint
              from counted c
              left join incident_fingerprints k on k.project_id = c.project_id and k.fingerprint = c.fingerprint
              left join unnest(inherited) h on h.project_id = c.project_id and h.fingerprint = c.fingerprint
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
                   last_release_seen = greatest(f.last_release_seen, excluded.last_release_seen)
            returning f.*
        )
        select array_agg(row(u.*)::incident_fingerprints) into found from upserted u;

        -- Locked in order before they are looked at: what is decided below is decided on the row that is then changed.
        perform from incidents i
          where (i.project_id, i.id) in (select f.project_id, f.incident_id from unnest(found) f)
          order by i.project_id, i.id
            for no key update;

        return query
        with changed as (
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
                                   first_release, first_release_seen, last_release, last_release_seen, environments)
            select project_id, incident_id, event ->> 'level', event ->> 'kind', event ->> 'title', event ->> 'culprit',
                   event ->> 'platform', event_count, first_seen, last_seen,
                   first_release, first_release_seen, last_release, last_release_seen, coalesce(environments, '{}')
              from changed
             where is_new
            returning project_id, id, 'new' as transition
        ), updated as (
            update incidents i
               set event_count = i.event_count + c.event_count,
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

    if known is not null then
        return query
        select k.project_id, e.fingerprint, k.event_id, f.incident_id, null::text
          from unnest(known) k
          join event_ids e on e.project_id = k.project_id and e.event_id = k.event_id
          left join incident_fingerprints f on f.project_id = e.project_id and f.fingerprint = e.fingerprint;
    end if;
end
$$;

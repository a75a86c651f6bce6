-- The first event of each environment since an incident was last new or regressed is a transition of its own, `appeared`: an error
-- that staging has met first, or had back first, is news in production (docs/decisions/0021-news-of-each-environment.md).

-- Where it was met since then, an event without an environment as the default one; null: not known, since it is older than this.
-- What it was ever seen in counts then, so that nothing old is news.
alter table incidents add column appeared_in text[];
-- Nothing is looked up by it, and statistics would quote it.
alter table incidents alter appeared_in set statistics 0;

alter table transitions drop constraint transitions_kind_check;
alter table transitions add constraint transitions_kind_check check (kind in ('new', 'regressed', 'escalated', 'appeared'));

-- A rule that looks at environments is told once an episode, whose first transition's id is the value.
alter table alert_states drop constraint alert_states_condition_check;
alter table alert_states add constraint alert_states_condition_check
    check (condition in ('transitions', 'frequency', 'unusual', 'people', 'milestones'));
insert into alert_states (project_id, rule_id, incident_id, condition, value, at)
select a.project_id, a.rule_id, t.incident_id, 'transitions', max(t.id), max(a.created_at)
  from alerts a
  join transitions t on t.project_id = a.project_id and t.id = a.transition_id
 where t.kind in ('new', 'regressed')
 group by 1, 2, 3;

-- What an event without an environment counts as, for rules as well (lib/alerts/rules.py).
create function environment_or_default(environment text) returns text language sql immutable parallel safe as $$
    select coalesce(nullif(environment, ''), 'production')
$$;

-- Every environment that an incident was seen in, but for so many events without one that its counts hold already.
create function ever_seen_in(i incidents, nameless bigint) returns text[]
language sql stable as $$
    select i.environments || case
        when environment_or_default(null) = any (i.environments) then '{}'
        when i.environments = '{}' or coalesce(nameless, 0) <
             (select sum(c.event_count)
                from incident_fingerprints f
                join event_counts c on c.project_id = f.project_id and c.fingerprint = f.fingerprint
               where f.project_id = i.project_id and f.incident_id = i.id and c.environment = '')
        then array[environment_or_default(null)] else '{}' end
$$;

-- As in 0011, and with what appeared in an environment. Still one call, one round trip, one commit, and no statement more.
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
                   array_agg(distinct environment_or_default(g.environment)) as seen_in,
                   (sum(g.event_count) filter (where g.environment = ''))::bigint as nameless,
                   coalesce(bool_or(reopens(i, g.release, g.release_key, g.last_seen, received)), false) as reopens,
                   batch -> (min(g.ord) - 1) as event
              from unnest(groups) g
              join unnest(found) f on f.project_id = g.project_id and f.fingerprint = g.fingerprint
              left join incidents i on i.project_id = f.project_id and i.id = f.incident_id
             group by f.project_id, f.incident_id, i.project_id, i.id
        ), inserted as (
            insert into incidents (project_id, id, level, kind, title, culprit, platform, event_count, first_seen, last_seen,
                                   first_release, first_release_seen, last_release, last_release_seen, environments,
                                   appeared_in, people_count)
            select project_id, incident_id, event ->> 'level', event ->> 'kind', event ->> 'title', event ->> 'culprit',
                   event ->> 'platform', event_count, first_seen, last_seen,
                   first_release, first_release_seen, last_release, last_release_seen, coalesce(environments, '{}'),
                   seen_in, coalesce(people_count, 0)
              from changed
              left join met using (project_id, incident_id)
             where is_new
            returning project_id, id, 'new' as transition,
                      case when cardinality(appeared_in) > 1 then appeared_in end as appeared
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
                   appeared_in = case when t.kind = 'regressed' then c.seen_in
                                      when k.appeared is not null then k.appeared_in || k.appeared
                                      else k.appeared_in end,
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
              cross join lateral (select coalesce(was.appeared_in, ever_seen_in(was, c.nameless))) known (appeared_in)
              cross join lateral (
                -- Bounded as `environments` is.
                select known.appeared_in,
                       case when not c.seen_in <@ known.appeared_in and cardinality(known.appeared_in) < 100
                            then array(select unnest(c.seen_in) except select unnest(known.appeared_in)) end
              ) k (appeared_in, appeared)
             where i.project_id = c.project_id and i.id = c.incident_id
            returning i.project_id, i.id, t.kind as transition,
                      case when t.kind = 'regressed' and cardinality(c.seen_in) > 1 then c.seen_in
                           when was.status = 'open' then k.appeared end as appeared
        ), moved as (
            select * from inserted union all select * from updated
        ), happened as (
            select m.project_id, m.id, m.transition, c.event
              from moved m
              join changed c on c.project_id = m.project_id and c.incident_id = m.id
             where m.transition is not null
             union all
            -- Of each environment its first event in this batch; nothing is read where there is none.
            select m.project_id, m.id, 'appeared', batch -> (min(g.ord) - 1)
              from moved m
              join changed c on c.project_id = m.project_id and c.incident_id = m.id
              join unnest(found) f on f.project_id = m.project_id and f.incident_id = m.id
              join unnest(groups) g on g.project_id = f.project_id and g.fingerprint = f.fingerprint
             cross join lateral (select environment_or_default(g.environment)) e (environment)
             where exists (select from moved where appeared is not null)
               and e.environment = any (m.appeared)
               -- That one has the transition of its first event already.
               and (m.transition is null or e.environment <> environment_or_default(c.event ->> 'environment'))
             group by m.project_id, m.id, e.environment
        ), told as (
            -- What an episode begins with has the lowest id of it.
            insert into transitions (project_id, incident_id, kind, event_id, release, environment, created_at)
            select h.project_id, h.id, h.transition, (h.event ->> 'event_id')::uuid, h.event ->> 'release',
                   h.event ->> 'environment', received
              from happened h
             order by h.transition = 'appeared'
        )
        select f.project_id, f.fingerprint, null::uuid, f.incident_id,
               coalesce(m.transition, case when m.appeared is not null then 'appeared' end)
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

-- As in 0004; what is merged into it has made known where it was met.
create or replace function merge_incidents(project bigint, target bigint, others bigint[], person bigint, fingerprints_max integer)
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
    -- Where one of them is known already it is no news of the others; what was resolved there would be.
    update incidents t
       set appeared_in = (select array_agg(distinct e)
                            from unnest(found) i
                           cross join unnest(coalesce(i.appeared_in, ever_seen_in(i, 0))) e
                           where i.id = target or i.status <> 'resolved')
     where t.project_id = project and t.id = target;
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

create or replace function split_incident(project bigint, source bigint, wanted uuid[], person bigint)
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
    -- Of what was known of the whole, each part keeps what it was seen in itself.
    update incidents i
       set appeared_in = case when was.appeared_in is not null
                              then array(select unnest(was.appeared_in) intersect select unnest(ever_seen_in(i, 0))) end
     where i.project_id = project and i.id = any (homes || source || coalesce(made, source));
    return query
    select null::text, f.fingerprint, f.incident_id
      from incident_fingerprints f
     where f.project_id = project and f.fingerprint = any (wanted)
     order by f.fingerprint;
end
$$;

-- As in 0066.
create or replace function kept_texts() returns table (relation text, fields text[], incidents text)
language sql immutable as $$
    select * from (values
        ('incidents', array['title', 'culprit', 'environments', 'appeared_in', 'first_release', 'last_release', 'resolved_release'],
         'id'),
        ('incident_fingerprints', array['reason', 'parts', 'environments', 'first_release', 'last_release'], 'incident_id'),
        ('transitions', array['environment', 'release'], 'incident_id'),
        ('alerts', array['reason', 'environment', 'release'], 'incident_id'),
        ('analyses', array['result', 'correction', 'reason', 'release'], 'incident_id'),
        ('analysis_watch', array['release'], 'incident_id'),
        ('deliveries', array['content', 'last_error'], 'incident_ids'),
        ('outcome_samples', array['detail'], null),
        ('releases', array['release'], null),
        ('saved_views', array['query'], null),
        ('audit_log', array['before', 'after'], null)) t (relation, fields, incidents)
$$;

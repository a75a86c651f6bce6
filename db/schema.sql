-- Written by `make schema` from db/migrations, without the partitions of days. Change the migrations, not this.


CREATE TYPE public.event_group AS (
	project_id bigint,
	fingerprint uuid,
	hour timestamp with time zone,
	environment text,
	release text,
	release_key text,
	event_count bigint,
	first_seen timestamp with time zone,
	last_seen timestamp with time zone,
	ord integer,
	kept_count bigint
);

CREATE TYPE public.inheritance AS (
	project_id bigint,
	fingerprint uuid,
	previous_fingerprint uuid,
	incident_id bigint,
	home_incident_id bigint,
	moved_from bigint,
	moved_at timestamp with time zone,
	moved_by bigint
);

CREATE TYPE public.tally AS (
	project_id bigint,
	key_id bigint,
	outcome text,
	reason text,
	event_count bigint,
	payload_bytes bigint
);

CREATE FUNCTION public.add_up_incidents(project bigint, incidents bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
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

CREATE FUNCTION public.analyse_anew(relation regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    execute format('analyze %s', relation);
end
$$;

CREATE FUNCTION public.apply_retention(project bigint, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
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
$_$;

CREATE FUNCTION public.cap_fingerprints(batch jsonb, received timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.environment_or_default(environment text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select coalesce(nullif(environment, ''), 'production')
$$;

CREATE FUNCTION public.erase_events(project bigint, received timestamp with time zone[], ids uuid[]) RETURNS TABLE(events bigint, payloads bigint, held bigint)
    LANGUAGE sql
    SET lock_timeout TO '2s'
    AS $$
    with known as materialized (
        select k.event_id, k.fingerprint from event_ids k
         where k.project_id = project and k.event_id = any (ids)
         order by k.event_id
           for update
    ), wanted as materialized (
        select u.received_at, u.event_id, k.fingerprint, coalesce(is_held(project, k.fingerprint), false) as held
          from unnest(received, ids) as u (received_at, event_id)
          left join known k on k.event_id = u.event_id
    ), free as materialized (
        select * from wanted w where not w.held
    ), forgotten as (
        delete from event_ids k using free f where k.project_id = project and k.event_id = f.event_id
    ), light as (
        delete from events e using free f
         where e.project_id = project and e.fingerprint = f.fingerprint and e.received_at = f.received_at
           and e.event_id = f.event_id
        returning 1
    ), heavy as (
        delete from event_payloads p using free f
         where p.project_id = project and p.received_at = f.received_at and p.event_id = f.event_id
        returning 1
    ), kept as (
        delete from kept_payloads p using free f
         where p.project_id = project and p.received_at = f.received_at and p.event_id = f.event_id
        returning 1
    )
    select (select count(*) from light), (select count(*) from heavy) + (select count(*) from kept),
           (select count(*) from wanted w where w.held)
$$;

CREATE FUNCTION public.event_cut(project bigint, prints uuid[], since timestamp with time zone, after timestamp with time zone, after_id uuid, oldest_first boolean, max_looked integer, OUT cut_at timestamp with time zone, OUT cut_id uuid) RETURNS record
    LANGUAGE plpgsql STABLE
    SET enable_sort TO 'off'
    AS $_$
declare
    quotas integer[] := array_fill(least(max_looked, greatest(100, 2 * max_looked / cardinality(prints))), array[cardinality(prints)]);
    wanted integer[];
begin
    loop
        execute format('
            with taken as materialized (
                select f.nth, f.quota, e.received_at, e.event_id
                  from unnest($2, $3) with ordinality f (fingerprint, quota, nth)
                 cross join lateral (
                       select received_at, event_id
                         from events e
                        where e.project_id = $1 and e.fingerprint = f.fingerprint and e.received_at >= $4
                          and ($5 is null or (e.received_at, e.event_id) %1$s ($5, $6))
                        order by e.received_at %2$s, e.event_id %2$s
                        limit f.quota) e
            ), cut as (
                select received_at, event_id from taken order by received_at %2$s, event_id %2$s offset $7 - 1 limit 1
            ), short as (
                select t.nth
                  from taken t
                  left join cut c on true
                 group by t.nth, t.quota
                having count(*) = t.quota and t.quota < $7
                   and not coalesce(bool_or(not (c.received_at, c.event_id) %1$s (t.received_at, t.event_id)), false)
            )
            select (select received_at from cut), (select event_id from cut),
                   (select array_agg(least(f.quota * case when s.nth is null then 1 else 2 end, $7) order by f.nth)
                      from unnest($3) with ordinality f (quota, nth)
                      left join short s using (nth))',
            case when oldest_first then '>' else '<' end, case when oldest_first then 'asc' else 'desc' end)
           into cut_at, cut_id, wanted
          using project, prints, quotas, since, after, after_id, max_looked;
        exit when wanted = quotas;
        quotas := wanted;
    end loop;
end
$_$;

CREATE TABLE public.events (
    project_id bigint NOT NULL,
    fingerprint uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    expires_on date NOT NULL,
    level text NOT NULL,
    release text,
    environment text,
    service text,
    route text,
    user_hash bytea,
    removed_count integer DEFAULT 0 NOT NULL,
    sampled boolean DEFAULT false NOT NULL
)
PARTITION BY RANGE (received_at);

CREATE FUNCTION public.event_page(project bigint, incident bigint, since timestamp with time zone, after timestamp with time zone, after_id uuid, max_rows integer) RETURNS SETOF public.events
    LANGUAGE plpgsql STABLE
    SET enable_sort TO 'off'
    AS $_$
begin
    return query execute '
        select e.*
          from incident_fingerprints f
         cross join lateral (
               select *
                 from events e
                where e.project_id = f.project_id and e.fingerprint = f.fingerprint
                  and e.received_at >= $3
                  and ($4 is null or (e.received_at, e.event_id) < ($4, $5))
                order by e.received_at desc, e.event_id desc
                limit $6) e
         where f.project_id = $1 and f.incident_id = $2
         order by e.received_at desc, e.event_id desc
         limit $6'
    using project, incident, since, after, after_id, max_rows;
end
$_$;

CREATE FUNCTION public.event_steps(project bigint, incident bigint, since timestamp with time zone, after timestamp with time zone, after_id uuid, oldest_first boolean, environment text, release text, max_rows integer, max_looked integer) RETURNS TABLE(last_at timestamp with time zone, last_id uuid, is_more boolean, event public.events)
    LANGUAGE plpgsql STABLE
    SET enable_sort TO 'off'
    AS $_$
declare
    prints uuid[];
    reads bigint;
    cut record;
begin
    select null::timestamptz as cut_at, null::uuid as cut_id into cut;
    select array_agg(f.fingerprint), sum(least(f.event_count, max_looked)) into prints, reads
      from incident_fingerprints f
     where f.project_id = project and f.incident_id = incident;
    -- Up to there it is quicker to read them all.
    if reads > 20 * max_looked then
        select * into cut from event_cut(project, prints, since, after, after_id, oldest_first, max_looked);
    end if;
    return query execute format('
        with looked as materialized (
            select e.*
              from unnest($2) f (fingerprint)
             cross join lateral (
                   select *
                     from events e
                    where e.project_id = $1 and e.fingerprint = f.fingerprint
                      and e.received_at >= $3
                      and ($4 is null or (e.received_at, e.event_id) %1$s ($4, $5))
                      and ($10 is null or (e.received_at, e.event_id) %4$s ($10, $11))
                    order by e.received_at %2$s, e.event_id %2$s
                    limit $9) e
             order by e.received_at %2$s, e.event_id %2$s
             limit $9
        ), fitting as (
            select l::events as event
              from looked l
             where ($6 is null or l.environment = $6) and ($7 is null or l.release = $7)
             order by l.received_at %2$s, l.event_id %2$s
             limit $8
        ), last as (
            select l.received_at, l.event_id from looked l order by l.received_at %3$s, l.event_id %3$s limit 1
        )
        select last.received_at, last.event_id, (select count(*) from looked) >= $9, f.event
          from last
          left join fitting f on true',
        case when oldest_first then '>' else '<' end, case when oldest_first then 'asc' else 'desc' end,
        case when oldest_first then 'desc' else 'asc' end, case when oldest_first then '<=' else '>=' end)
    using project, prints, since, after, after_id, environment, release, max_rows, max_looked, cut.cut_at, cut.cut_id;
end
$_$;

CREATE SEQUENCE public.incident_ids
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.incidents (
    project_id bigint NOT NULL,
    id bigint DEFAULT nextval('public.incident_ids'::regclass) NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    level text NOT NULL,
    kind text,
    title text NOT NULL,
    culprit text,
    platform text NOT NULL,
    event_count bigint DEFAULT 0 NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    first_release text,
    first_release_seen timestamp with time zone,
    last_release text,
    last_release_seen timestamp with time zone,
    environments text[] DEFAULT '{}'::text[] NOT NULL,
    status_changed_at timestamp with time zone,
    resolved_release text,
    resolved_in_next_release boolean DEFAULT false NOT NULL,
    ignored_until timestamp with time zone,
    ignored_until_count bigint,
    regressed_at timestamp with time zone,
    escalated_at timestamp with time zone,
    merged_into bigint,
    people_count bigint DEFAULT 0 NOT NULL,
    assignee_id bigint,
    appeared_in text[],
    CONSTRAINT incidents_event_count_check CHECK ((event_count >= 0)),
    CONSTRAINT incidents_status_check CHECK ((status = ANY (ARRAY['open'::text, 'resolved'::text, 'ignored'::text])))
)
WITH (fillfactor='80');
ALTER TABLE ONLY public.incidents ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY public.incidents ALTER COLUMN culprit SET STATISTICS 0;
ALTER TABLE ONLY public.incidents ALTER COLUMN appeared_in SET STATISTICS 0;

CREATE FUNCTION public.ever_seen_in(i public.incidents, nameless bigint) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    select i.environments || case
        when environment_or_default(null) = any (i.environments) then '{}'
        when i.environments = '{}' or coalesce(nameless, 0) <
             (select sum(c.event_count)
                from incident_fingerprints f
                join event_counts c on c.project_id = f.project_id and c.fingerprint = f.fingerprint
               where f.project_id = i.project_id and f.incident_id = i.id and c.environment = '')
        then array[environment_or_default(null)] else '{}' end
$$;

CREATE FUNCTION public.expires_on(received_at timestamp with time zone, retention_days integer) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    -- One expression without a FROM, so that PostgreSQL inlines it: it is asked for every event.
    select case when $2 <= 100 then ($1 at time zone 'UTC')::date + $2
                else (date_trunc('month', (($1 at time zone 'UTC')::date + $2 - 1)::timestamp) + interval '1 month')::date end
$_$;

CREATE FUNCTION public.export_pieces(relation regclass, tenant text, id bigint, key text[], max_rows integer) RETURNS TABLE(until_key text[], row_count bigint)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    columns text;
    texts text;
    total bigint;
begin
    select string_agg(quote_ident(k.name), ', ' order by k.nth), string_agg(quote_ident(k.name) || '::text', ', ' order by k.nth)
      into columns, texts
      from unnest(key) with ordinality k (name, nth);
    execute format('select count(*) from %s where %I = $1', relation, tenant) into total using id;
    if total > max_rows then
        return query execute format(
            'select array[%s], $2::bigint
               from (select %2$s, row_number() over (order by %2$s) as nth from %3$s where %4$I = $1) t
              where t.nth %% $2 = 0 and t.nth < $3
              order by t.nth', texts, columns, relation, tenant)
        using id, max_rows, total;
    end if;
    return query select null::text[], case when total = 0 then 0 else (total - 1) % max_rows + 1 end;
end
$_$;

CREATE FUNCTION public.forget_person_in_trail(person bigint) RETURNS void
    LANGUAGE sql
    SET "sensra.audit_erasure" TO 'on'
    AS $$
    update audit_log set address = null where actor_kind = 'person' and actor_id = person and address is not null;
    update audit_refusals set address = null where actor_kind = 'person' and actor_id = person and address is not null;
$$;

CREATE FUNCTION public.held_of(project bigint) RETURNS TABLE(whole boolean, fingerprints uuid[])
    LANGUAGE sql STABLE
    AS $$
    select exists (select from legal_holds h where h.project_id = project and h.incident_id is null and h.ended_at is null),
           array(select f.fingerprint from incident_fingerprints f
                  where f.project_id = project and is_held(project, f.fingerprint)
                    and exists (select from legal_holds h where h.project_id = project and h.ended_at is null))
$$;

CREATE FUNCTION public.incident_has_tags(project bigint, incident bigint, hashes bigint[], names bigint[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $_$
    select not exists (
        select from unnest($3, $4) as w (value_hash, name_hash)
         where not exists (select from incident_fingerprints f
                             join incident_tags t on t.project_id = f.project_id and t.fingerprint = f.fingerprint
                            where f.project_id = $1 and f.incident_id = $2 and t.value_hash = w.value_hash
                              and (w.name_hash is null or t.name_hash = w.name_hash)))
$_$;

CREATE FUNCTION public.incident_matches(i public.incidents, status text, level text, environment text, pattern text, since timestamp with time zone, until timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    AS $_$
    select i.merged_into is null
       and ($2 is null or i.status = $2)
       and ($3 is null or i.level = $3)
       and ($4 is null or $4 = any (i.environments))
       and ($5 is null or i.title ilike $5 or i.culprit ilike $5)
       and ($6 is null or i.last_seen >= $6)
       and ($7 is null or i.first_seen < $7)
$_$;

CREATE FUNCTION public.incident_met(project bigint, incident bigint, hashes bytea[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $_$
    select exists (select from incident_fingerprints f
                     join incident_people p on p.project_id = f.project_id and p.fingerprint = f.fingerprint
                    where f.project_id = $1 and f.incident_id = $2 and p.user_hash = any ($3))
$_$;

CREATE FUNCTION public.is_held(project bigint, print uuid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select exists (
        select from legal_holds h
         where h.project_id = project and h.ended_at is null
           and (h.incident_id is null
                or exists (select from incident_fingerprints f
                            where f.project_id = project and f.fingerprint = print
                              and h.incident_id in (f.incident_id, f.home_incident_id))
                or exists (select from held_fingerprints s
                            where s.project_id = project and s.hold_id = h.id and s.fingerprint = print)))
$$;

CREATE FUNCTION public.is_project_held(project bigint) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select exists (select from legal_holds h where h.project_id = project and h.incident_id is null and h.ended_at is null)
$$;

CREATE FUNCTION public.is_sample(nth bigint, most integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    select case when $1 <= $2 then true
                else $1 % power(2, ceil(ln($1::float8 / $2) / ln(2)))::bigint = 0 end
$_$;

CREATE FUNCTION public.keep_held_payloads(expired date, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
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
$_$;

CREATE FUNCTION public.keep_hold() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into held_fingerprints (project_id, hold_id, fingerprint)
    select h.project_id, h.id, new.fingerprint
      from legal_holds h
     where h.project_id = new.project_id and h.ended_at is null and h.incident_id is not null
       and (h.incident_id in (new.incident_id, new.home_incident_id, old.incident_id, old.home_incident_id)
            or exists (select from held_fingerprints s
                        where s.project_id = h.project_id and s.hold_id = h.id
                          and s.fingerprint in (new.fingerprint, new.previous_fingerprint)))
    on conflict do nothing;
    return null;
end
$$;

CREATE FUNCTION public.keep_project_slug() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into project_slugs (workspace_id, slug, project_id) values (new.workspace_id, new.slug, new.id)
    on conflict (workspace_id, slug) do nothing;
    if not exists (select from project_slugs s
                    where s.workspace_id = new.workspace_id and s.slug = new.slug and s.project_id = new.id) then
        raise unique_violation using constraint = 'project_slugs_pkey', table = 'project_slugs';
    end if;
    return null;
end
$$;

CREATE FUNCTION public.keep_workspace_slug() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into workspace_slugs (slug, workspace_id) values (new.slug, new.id) on conflict (slug) do nothing;
    if not exists (select from workspace_slugs s where s.slug = new.slug and s.workspace_id = new.id) then
        raise unique_violation using constraint = 'workspace_slugs_pkey', table = 'workspace_slugs';
    end if;
    return null;
end
$$;

CREATE FUNCTION public.kept_texts() RETURNS TABLE(relation text, fields text[], incidents text)
    LANGUAGE sql IMMUTABLE
    AS $$
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

CREATE FUNCTION public.key_columns(relation regclass) RETURNS TABLE(name text, type text)
    LANGUAGE sql STABLE
    AS $$
    select a.attname, format_type(a.atttypid, a.atttypmod)
      from pg_index i
     cross join unnest(i.indkey::int2[]) with ordinality o (number, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = o.number
     where i.indrelid = relation and i.indisprimary and a.attname <> 'project_id'
     order by o.place
$$;

CREATE FUNCTION public.list_kept_texts(project bigint, relation text, fields text[], incidents text, after text[], max_rows integer) RETURNS TABLE(key text[], texts jsonb, held boolean)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    names text;
    casts text;
    holding bigint[];
    of_held text := 'false';
begin
    select string_agg('t.' || quote_ident(k.name), ', '), string_agg(format('($2[%s])::%s', k.nth, k.type), ', ')
      into names, casts
      from key_columns(relation::regclass) with ordinality k (name, type, nth);
    if exists (select from legal_holds h where h.project_id = project and h.incident_id is null and h.ended_at is null) then
        of_held := 'true';
    elsif incidents is not null then
        select array_agg(h.incident_id) into holding from (
            select h.incident_id from legal_holds h where h.project_id = project and h.ended_at is null
             union
            select f.incident_id from incident_fingerprints f
             where f.project_id = project and is_held(project, f.fingerprint)
               and exists (select from legal_holds h where h.project_id = project and h.ended_at is null)) h;
        of_held := format(case when incidents = 'incident_ids' then 't.%I && $5' else 't.%I = any ($5)' end, incidents);
    end if;
    return query execute format(
        'select array[%1$s]::text[], (select jsonb_object_agg(f, to_jsonb(t) -> f) from unnest($3) f), coalesce(%2$s, false)
           from %3$I t
          where t.project_id = $1 and ($2 is null or (%4$s) > (%5$s))
          order by %4$s limit $4',
        (select string_agg(format('t.%I::text', k.name), ', ') from key_columns(relation::regclass) k),
        of_held, relation, names, casts)
      using project, after, fields, max_rows, coalesce(holding, '{}');
end
$_$;

CREATE FUNCTION public.lock_fingerprints(project bigint, incidents bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.lock_incidents(project bigint, incidents bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform from projects p where p.id = project for no key update;
    perform lock_fingerprints(project, incidents);
    perform from incidents i where i.project_id = project and i.id = any (incidents) order by i.id for no key update;
end
$$;

CREATE FUNCTION public.make_alerts_of_project() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform make_default_alerts(new.id);
    return null;
end
$$;

CREATE FUNCTION public.make_default_alerts(project bigint) RETURNS void
    LANGUAGE sql
    AS $$
    with rule as (
        insert into alert_rules (project_id, name, conditions, filters)
        values (project, 'New and regressed errors in production', '{"transitions": ["new", "regressed"]}',
                '{"environments": ["production"], "levels": ["error", "fatal"]}')
        returning id
    ), channel as (
        insert into channels (project_id, kind, name) values (project, 'email', 'Owners') returning id
    ), watch as (
        insert into alert_watches (project_id) values (project)
    )
    insert into alert_rule_channels (project_id, rule_id, channel_id) select project, rule.id, channel.id from rule, channel
$$;

CREATE FUNCTION public.make_partitions(received_from date, received_to date, expiring date[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    made integer := 0;
    day date;
    name text;
begin
    -- 7305 is only a number: the one lock that everyone who makes partitions takes.
    perform pg_advisory_xact_lock(7305);
    for day in select generate_series(received_from, received_to, interval '1 day')::date loop
        name := 'events_' || to_char(day, 'YYYYMMDD');
        if to_regclass(name) is null then
            execute format('create table %I partition of events for values from (%L) to (%L)',
                           name, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
            made := made + 1;
        end if;
    end loop;
    foreach day in array expiring loop
        name := 'event_payloads_' || to_char(day, 'YYYYMMDD');
        if to_regclass(name) is null then
            execute format('create table %I partition of event_payloads for values from (%L) to (%L)', name, day, day + 1);
            made := made + 1;
        end if;
    end loop;
    return made;
end
$$;

CREATE FUNCTION public.merge_incidents(project bigint, target bigint, others bigint[], person bigint, fingerprints_max integer) RETURNS text
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.overflow_fingerprint() RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select '00000000-0000-0000-0000-00000000000f'::uuid
$$;

CREATE FUNCTION public.partitions_of(parent regclass) RETURNS TABLE(name text, day date)
    LANGUAGE sql STABLE
    AS $_$
    select c.relname::text, case when c.relname ~ '_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') end
      from pg_inherits h
      join pg_class c on c.oid = h.inhrelid
     where h.inhparent = parent
$_$;

CREATE FUNCTION public.payload_signatures(expired date) RETURNS TABLE(project_id bigint, row_count bigint, signature bigint)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
begin
    if to_regclass(name) is not null then
        return query execute format(
            'select p.project_id, count(*), bit_xor(hashtextextended(p.event_id::text, 0)) from %I p group by 1 order by 1', name);
    end if;
end
$$;

CREATE FUNCTION public.protect(project bigint, this_hour timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
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

CREATE FUNCTION public.prune_archived_payloads(expired date) RETURNS TABLE(row_count bigint, bytes bigint)
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
begin
    if to_regclass(name) is null then
        return;
    end if;
    -- Nothing may come to it from here on: a change of retention moves payloads to yesterday.
    execute format('lock table %I in share mode', name);
    if exists (select from payload_signatures(expired) s
                 left join archives a on a.project_id = s.project_id and a.expires_on = expired
                where (a.row_count, a.signature) is distinct from (s.row_count, s.signature)) then
        raise exception 'payloads of % are not archived', expired using errcode = 'object_not_in_prerequisite_state';
    end if;
    return query select p.row_count, p.bytes from prune_payloads(expired) p;
end
$$;

CREATE FUNCTION public.prune_audit(older_than timestamp with time zone, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET "sensra.audit_erasure" TO 'on'
    AS $$
declare
    gone integer;
begin
    delete from audit_log a
     using workspaces w
     cross join lateral (select o.id, o.at from audit_log o
                          where o.workspace_id = w.id and (o.project_id is null or not is_project_held(o.project_id))
                          order by o.id limit max_rows) o
     where o.at < older_than and a.workspace_id = w.id and a.id = o.id;
    get diagnostics gone = row_count;
    return gone;
end
$$;

CREATE FUNCTION public.prune_counts(before timestamp with time zone, max_rows integer) RETURNS TABLE(seen bigint, removed bigint)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.prune_events(received date, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
declare
    name text := 'events_' || to_char(received, 'YYYYMMDD');
    is_there boolean;
    gone integer;
begin
    perform pg_advisory_xact_lock(7308, 0);
    if to_regclass(name) is null or not pg_try_advisory_xact_lock(7307, received - date '2000-01-01') then
        return null;
    end if;
    execute format(
        'with gone as (
            delete from %1$I e
             where e.ctid = any (array(
                   select m.ctid from %1$I m
                    where m.expires_on < today() and (not $2 or not is_held(m.project_id, m.fingerprint)) limit $1))
            returning e.project_id, e.event_id
        ), forgotten as (
            delete from event_ids k using gone g where g.project_id = k.project_id and g.event_id = k.event_id
        )
        select count(*) from gone', name)
      into gone using max_rows, exists (select from legal_holds h where h.ended_at is null);
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
$_$;

CREATE FUNCTION public.prune_incidents(days integer, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
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

CREATE FUNCTION public.prune_outcomes(older_than timestamp with time zone, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    gone integer;
    total integer;
begin
    delete from outcomes o using (
        select d.project_id, d.hour, d.key_id, d.outcome, d.reason, d.shard
          from projects p
         cross join lateral (select * from outcomes i where i.project_id = p.id and i.hour < older_than
                              order by i.hour limit max_rows) d
         where not is_project_held(p.id)) d
     where o.project_id = d.project_id and o.hour = d.hour and o.key_id = d.key_id and o.outcome = d.outcome
       and o.reason = d.reason and o.shard = d.shard;
    get diagnostics total = row_count;
    delete from project_hours h using projects p
     where h.project_id = p.id and h.hour < older_than and not is_project_held(p.id);
    get diagnostics gone = row_count;
    total := total + gone;
    delete from outcome_samples s using projects p
     where s.project_id = p.id and s.at < older_than and not is_project_held(p.id);
    get diagnostics gone = row_count;
    return total + gone;
end
$$;

CREATE FUNCTION public.prune_payloads(expired date) RETURNS TABLE(row_count bigint, bytes bigint)
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
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
$_$;

CREATE FUNCTION public.prune_refusals(older_than timestamp with time zone, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.prune_tags(max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    gone integer;
begin
    delete from incident_tags t
     using (select k.ctid
              from projects p
             cross join lateral (select k.ctid from incident_tags k
                                  where k.project_id = p.id and k.seen_on < today() - p.retention_days - 1
                                    and not is_held(k.project_id, k.fingerprint)
                                  order by k.project_id, k.fingerprint, k.name_hash, k.value_hash
                                  limit max_rows
                                    for update skip locked) k
             limit max_rows) old
     where t.ctid = old.ctid;
    get diagnostics gone = row_count;
    return gone;
end
$$;

CREATE FUNCTION public.prune_usage(older_than date, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    gone integer;
begin
    delete from usage u
     where u.ctid = any (array(select o.ctid from usage o
                                where o.month < date_trunc('month', older_than)::date and not is_project_held(o.project_id)
                                limit max_rows));
    get diagnostics gone = row_count;
    return gone;
end
$$;

CREATE FUNCTION public.purge_project(project bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
declare
    workspace bigint;
begin
    delete from projects p where p.id = project and p.deleted_at < now() - interval '7 days'
    returning p.workspace_id into workspace;
    if workspace is not null then
        insert into audit_log (workspace_id, project_id, actor_kind, action, object_id)
        values (workspace, project, 'cron', 'project.purge', project::text);
    end if;
    return workspace is not null;
end
$$;

CREATE FUNCTION public.purge_rows(owner text, id bigint, max_rows integer) RETURNS bigint
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    SET "sensra.audit_erasure" TO 'on'
    AS $_$
declare
    holding regclass;
    blocked regclass;
    gone bigint;
    total bigint := 0;
begin
    for holding in
        select c.oid::regclass
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attname = owner and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and c.relname <> 'projects' and not (owner = 'project_id' and c.relname in ('audit_log', 'usage'))
         order by c.oid desc -- what was made later points at what was made before
    loop
        begin
            execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = $1 limit $2))',
                           holding, owner) using id, max_rows;
            get diagnostics gone = row_count;
            total := total + gone;
        exception when foreign_key_violation then
            blocked := holding;
        end;
        -- So many that another table would make the step long.
        exit when total >= max_rows;
    end loop;
    if total = 0 and blocked is not null then
        raise exception 'rows of % are still pointed at', blocked using errcode = 'foreign_key_violation';
    end if;
    return total;
end
$_$;

CREATE FUNCTION public.purge_trail(project bigint, max_rows integer) RETURNS integer
    LANGUAGE plpgsql
    SET "sensra.audit_erasure" TO 'on'
    AS $$
declare
    changed integer;
begin
    update audit_log a set before = null, after = null, address = null
      from (select o.workspace_id, o.id from audit_log o
             where o.workspace_id = (select p.workspace_id from projects p where p.id = project) and o.project_id = project
               and (o.before is not null or o.after is not null or o.address is not null)
             limit max_rows) o
     where a.workspace_id = o.workspace_id and a.id = o.id;
    get diagnostics changed = row_count;
    return changed;
end
$$;

CREATE FUNCTION public.purge_workspace(workspace bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    SET "sensra.audit_erasure" TO 'on'
    AS $$
begin
    delete from workspaces w
     where w.id = workspace and w.deleted_at < now() - interval '7 days'
       and not exists (select from projects p where p.workspace_id = w.id);
    return found;
end
$$;

CREATE FUNCTION public.quoted_in_statistics() RETURNS TABLE(relation regclass, quoted text)
    LANGUAGE sql STABLE
    AS $$
    select format('%I.%I', s.schemaname, s.tablename)::regclass, concat_ws(chr(1), s.most_common_vals::text, s.histogram_bounds::text)
      from pg_stats s
      join pg_attribute a on a.attrelid = format('%I.%I', s.schemaname, s.tablename)::regclass and a.attname = s.attname
     where s.schemaname = 'public' and format_type(a.atttypid, null) in ('text', 'text[]', 'jsonb')
       and coalesce(s.most_common_vals::text, s.histogram_bounds::text) is not null
$$;

CREATE FUNCTION public.record_events(batch jsonb, payloads bytea[]) RETURNS TABLE(project_id bigint, fingerprint uuid, event_id uuid, incident_id bigint, transition text)
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
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
$_$;

CREATE FUNCTION public.record_tags(projects bigint[], fingerprints uuid[], names bigint[], hashes bigint[], values_max integer, recorded bigint) RETURNS void
    LANGUAGE sql
    SET lock_timeout TO '2s'
    AS $_$
    with given as materialized (
        select distinct w.project_id, w.fingerprint, w.name_hash, w.value_hash, k.seen_on
          from unnest($1, $2, $3, $4) as w (project_id, fingerprint, name_hash, value_hash)
          join incident_fingerprints f on f.project_id = w.project_id and f.fingerprint = w.fingerprint
          left join incident_tags k on k.project_id = w.project_id and k.fingerprint = w.fingerprint
                                   and k.name_hash = w.name_hash and k.value_hash = w.value_hash
         where k.seen_on is null or k.seen_on < today()
    ), of_kinds as materialized (
        select k.project_id, k.fingerprint,
               (select count(*) from (select from incident_tags t
                                       where t.project_id = k.project_id and t.fingerprint = k.fingerprint
                                       limit 10 * $5) known) as known
          from (select distinct project_id, fingerprint from given where seen_on is null) k
    ), of_names as materialized (
        select k.project_id, k.fingerprint, k.name_hash,
               (select count(*) from (select from incident_tags t
                                       where t.project_id = k.project_id and t.fingerprint = k.fingerprint
                                         and t.name_hash = k.name_hash
                                       limit $5) known) as known
          from (select distinct project_id, fingerprint, name_hash from given where seen_on is null) k
    ), numbered as (
        select g.project_id, g.fingerprint, g.name_hash, g.value_hash,
               n.known + row_number() over (partition by g.project_id, g.fingerprint, g.name_hash order by g.value_hash) as nth
          from given g
          join of_names n on n.project_id = g.project_id and n.fingerprint = g.fingerprint and n.name_hash = g.name_hash
         where g.seen_on is null
    ), fitting as (
        select n.project_id, n.fingerprint, n.name_hash, n.value_hash,
               k.known + row_number() over (partition by n.project_id, n.fingerprint order by n.name_hash, n.value_hash) as nth
          from numbered n
          join of_kinds k on k.project_id = n.project_id and k.fingerprint = n.fingerprint
         where n.nth <= $5
    ), wanted as (
        select project_id, fingerprint, name_hash, value_hash from fitting where nth <= 10 * $5
         union all
        select project_id, fingerprint, name_hash, value_hash from given where seen_on is not null
    )
    insert into incident_tags as t (project_id, fingerprint, name_hash, value_hash, seen_on)
    select project_id, fingerprint, name_hash, value_hash, today() from wanted order by 1, 2, 3, 4
    on conflict (project_id, fingerprint, name_hash, value_hash) do update
       set seen_on = excluded.seen_on
     where t.seen_on < excluded.seen_on
$_$;

CREATE FUNCTION public.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_setting('sensra.audit_erasure', true) is distinct from 'on' then
        raise exception 'audit_log is only added to' using errcode = 'insufficient_privilege';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;

CREATE FUNCTION public.rename_counts(project bigint, print uuid, field text, was text, wanted text) RETURNS void
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $_$
begin
    execute format(
        'with locked as (
            select c.ctid from event_counts c
             where c.project_id = $1 and c.%1$I = $3 and ($2 is null or c.fingerprint = $2) and not is_held($1, c.fingerprint)
             order by c.project_id, c.fingerprint, c.hour, c.environment, c.release
               for update
        ), gone as (
            delete from event_counts c using locked l where c.ctid = l.ctid
            returning c.project_id, c.fingerprint, c.hour, c.environment, c.release, c.event_count
        )
        insert into event_counts as c (project_id, fingerprint, hour, environment, release, event_count)
        select project_id, fingerprint, hour, %2$s, event_count from gone
        on conflict (project_id, fingerprint, hour, environment, release)
        do update set event_count = c.event_count + excluded.event_count',
        field, case field when 'release' then 'environment, $4' else '$4, release' end)
      using project, print, was, wanted;
end
$_$;

CREATE FUNCTION public.rename_release(project bigint, was text, wanted text) RETURNS void
    LANGUAGE sql
    AS $$
    select rename_counts(project, null, 'release', was, wanted);
    insert into releases (project_id, release, first_seen)
    select r.project_id, wanted, r.first_seen from releases r where r.project_id = project and r.release = was
    on conflict (project_id, release) do nothing;
    delete from releases r where r.project_id = project and r.release = was;
$$;

CREATE FUNCTION public.reopens(i public.incidents, release text, release_key text, seen_at timestamp with time zone, received_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION public.replace_kept_text(project bigint, relation text, key text[], was jsonb, wanted jsonb) RETURNS boolean
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    SET "sensra.audit_erasure" TO 'on'
    AS $_$
declare
    replaced integer;
begin
    execute format(
        'update %1$I t set %2$s from jsonb_populate_record(null::%1$I, $4) r
          where t.project_id = $1 and (%3$s) = (%4$s)
            and $3 = (select jsonb_object_agg(f, to_jsonb(t) -> f) from jsonb_object_keys($3) f)',
        relation, (select string_agg(format('%1$I = r.%1$I', f), ', ') from jsonb_object_keys(wanted) f),
        (select string_agg('t.' || quote_ident(k.name), ', ') from key_columns(relation::regclass) k),
        (select string_agg(format('($2[%s])::%s', k.nth, k.type), ', ')
           from key_columns(relation::regclass) with ordinality k (name, type, nth)))
      using project, key, was, wanted;
    get diagnostics replaced = row_count;
    return replaced = 1;
end
$_$;

CREATE FUNCTION public.reserve_analysis(project bigint, analysis bigint, held_fence integer, at timestamp with time zone, amount bigint, hourly_max integer, project_max bigint, workspace_max bigint, deployment_max bigint) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    this_month date := date_trunc('month', at at time zone 'UTC')::date;
    workspace bigint;
    asker text;
    scope record;
begin
    select a.cause, p.workspace_id into asker, workspace
      from analyses a join projects p on p.id = a.project_id
     where a.project_id = project and a.id = analysis and a.fence = held_fence and a.state = 'running'
       and a.reserved_microdollars = 0
       for no key update of a;
    if not found then
        return 'stale';
    end if;
    insert into analysis_months (month) values (this_month) on conflict do nothing;
    perform from analysis_months m where m.month = this_month for update;
    if asker <> 'person' and hourly_max <= (
        select count(*) from analyses a
         where a.project_id = project and a.called_at > at - interval '1 hour' and a.id <> analysis) then
        return 'pace';
    end if;
    for scope in
        select 'deployment' as name, m.reserved_microdollars as reserved, m.spent_microdollars as spent, deployment_max as most
          from analysis_months m where m.month = this_month
         union all
        select 'workspace', coalesce(sum(s.reserved_microdollars), 0), coalesce(sum(s.spent_microdollars), 0), workspace_max
          from analysis_spending s where s.workspace_id = workspace and s.month = this_month
         union all
        select 'project', coalesce(sum(s.reserved_microdollars), 0), coalesce(sum(s.spent_microdollars), 0), project_max
          from analysis_spending s where s.workspace_id = workspace and s.month = this_month and s.spender = project
    loop
        -- A project without a limit of its own has null: never reached.
        if scope.spent + amount > scope.most then
            return scope.name;
        elsif scope.spent + scope.reserved + amount > scope.most then
            return 'busy';
        end if;
    end loop;
    update analysis_months m set reserved_microdollars = m.reserved_microdollars + amount where m.month = this_month;
    insert into analysis_spending as s (workspace_id, month, spender, reserved_microdollars)
    values (workspace, this_month, project, amount)
    on conflict (workspace_id, month, spender)
    do update set reserved_microdollars = s.reserved_microdollars + excluded.reserved_microdollars;
    update analyses a set reserved_microdollars = amount, reserved_month = this_month, called_at = at
     where a.project_id = project and a.id = analysis;
    return null;
end
$$;

CREATE FUNCTION public.settle_analysis(project bigint, analysis bigint, held_fence integer, cost bigint, input bigint, cached bigint, output bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    was analyses;
    workspace bigint;
begin
    select a.* into was from analyses a
     where a.project_id = project and a.id = analysis and a.fence = held_fence and a.reserved_microdollars > 0
       for no key update;
    if not found then
        return false;
    end if;
    select p.workspace_id into workspace from projects p where p.id = project;
    update analysis_months m
       set reserved_microdollars = m.reserved_microdollars - was.reserved_microdollars,
           spent_microdollars = m.spent_microdollars + cost
     where m.month = was.reserved_month;
    update analysis_spending s
       set reserved_microdollars = s.reserved_microdollars - was.reserved_microdollars,
           spent_microdollars = s.spent_microdollars + cost
     where s.workspace_id = workspace and s.month = was.reserved_month and s.spender = project;
    update analyses a
       set reserved_microdollars = 0, reserved_month = null, cost_microdollars = a.cost_microdollars + cost,
           input_tokens = a.input_tokens + input, cached_tokens = a.cached_tokens + cached,
           output_tokens = a.output_tokens + output
     where a.project_id = project and a.id = analysis;
    return true;
end
$$;

CREATE FUNCTION public.shard() RETURNS smallint
    LANGUAGE sql STABLE
    AS $$ select (pg_backend_pid() % 16)::smallint $$;

CREATE FUNCTION public.spike_events(project bigint, this_hour timestamp with time zone, factor integer) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION public.split_incident(project bigint, source bigint, wanted uuid[], person bigint) RETURNS TABLE(refusal text, fingerprint uuid, incident_id bigint)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.tally_up(tallies public.tally[], received timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.today() RETURNS date
    LANGUAGE sql STABLE
    AS $$ select (now() at time zone 'UTC')::date $$;

CREATE FUNCTION public.write_alert_finding() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into alert_findings values (new.project_id, new.id, new.rule_id, new.due_at) on conflict do nothing;
    return null;
end
$$;

CREATE TABLE public.addresses (
    workspace_id bigint NOT NULL,
    address text NOT NULL,
    token_hash bytea,
    token_expires_at timestamp with time zone,
    asked_at timestamp with time zone NOT NULL,
    asked_by bigint,
    confirmed_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT addresses_address_check CHECK ((length(address) <= 320)),
    CONSTRAINT addresses_token_hash_check CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY public.addresses ALTER COLUMN address SET STATISTICS 0;

CREATE TABLE public.alert_findings (
    project_id bigint NOT NULL,
    alert_id bigint NOT NULL,
    rule_id bigint NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE public.alert_rule_channels (
    project_id bigint NOT NULL,
    rule_id bigint NOT NULL,
    channel_id bigint NOT NULL
);

CREATE TABLE public.alert_rules (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    conditions jsonb NOT NULL,
    filters jsonb DEFAULT '{}'::jsonb NOT NULL,
    quiet_hours jsonb,
    enabled boolean DEFAULT true NOT NULL,
    muted_until timestamp with time zone,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alert_rules_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
);

ALTER TABLE public.alert_rules ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_rules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_states (
    project_id bigint NOT NULL,
    rule_id bigint NOT NULL,
    incident_id bigint NOT NULL,
    condition text NOT NULL,
    value bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT alert_states_condition_check CHECK ((condition = ANY (ARRAY['transitions'::text, 'frequency'::text, 'unusual'::text, 'people'::text, 'milestones'::text])))
);

CREATE TABLE public.alert_watches (
    project_id bigint NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.alerts (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    channel_id bigint NOT NULL,
    rule_id bigint,
    incident_id bigint NOT NULL,
    transition_id bigint,
    kind text NOT NULL,
    reason text NOT NULL,
    event_id uuid,
    environment text,
    release text,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    told_at timestamp with time zone,
    dropped_at timestamp with time zone,
    dropped_for text,
    CONSTRAINT alerts_check CHECK (((dropped_at IS NULL) = (dropped_for IS NULL))),
    CONSTRAINT alerts_dropped_for_check CHECK ((dropped_for = ANY (ARRAY['channel_off'::text, 'channel_muted'::text, 'rule'::text, 'ignored'::text, 'resolved'::text]))),
    CONSTRAINT alerts_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'regressed'::text, 'escalated'::text, 'frequency'::text, 'milestone'::text]))),
    CONSTRAINT alerts_reason_check CHECK ((length(reason) <= 200))
);
ALTER TABLE ONLY public.alerts ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE public.alerts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.analyses (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    incident_id bigint NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    cause text NOT NULL,
    event_id uuid,
    requested_by bigint,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    called_at timestamp with time zone,
    finished_at timestamp with time zone,
    reason text,
    reserved_microdollars bigint DEFAULT 0 NOT NULL,
    reserved_month date,
    cost_microdollars bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    cached_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    latency_ms integer,
    model text,
    prompt_version integer,
    context_hash bytea,
    event_count bigint,
    release text,
    result jsonb,
    confidence real,
    helpful boolean,
    rated_by bigint,
    rated_at timestamp with time zone,
    correction text,
    corrected_by bigint,
    corrected_at timestamp with time zone,
    CONSTRAINT analyses_cause_check CHECK ((cause = ANY (ARRAY['new'::text, 'regressed'::text, 'release'::text, 'escalated'::text, 'stacks'::text, 'growth'::text, 'person'::text]))),
    CONSTRAINT analyses_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT analyses_context_hash_check CHECK ((length(context_hash) = 32)),
    CONSTRAINT analyses_correction_check CHECK ((length(correction) <= 4000)),
    CONSTRAINT analyses_cost_microdollars_check CHECK ((cost_microdollars >= 0)),
    CONSTRAINT analyses_reserved_microdollars_check CHECK ((reserved_microdollars >= 0)),
    CONSTRAINT analyses_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'skipped'::text])))
);
ALTER TABLE ONLY public.analyses ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY public.analyses ALTER COLUMN result SET STATISTICS 0;
ALTER TABLE ONLY public.analyses ALTER COLUMN correction SET STATISTICS 0;

ALTER TABLE public.analyses ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.analyses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.analysis_months (
    month date NOT NULL,
    reserved_microdollars bigint DEFAULT 0 NOT NULL,
    spent_microdollars bigint DEFAULT 0 NOT NULL,
    CONSTRAINT analysis_months_reserved_microdollars_check CHECK ((reserved_microdollars >= 0)),
    CONSTRAINT analysis_months_spent_microdollars_check CHECK ((spent_microdollars >= 0))
);

CREATE TABLE public.analysis_options (
    project_id bigint NOT NULL,
    version integer NOT NULL,
    enabled boolean NOT NULL,
    environments text[] NOT NULL,
    events_min integer NOT NULL,
    interval_minutes integer NOT NULL,
    hourly_max integer NOT NULL,
    budget_microdollars bigint,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by bigint,
    CONSTRAINT analysis_options_budget_microdollars_check CHECK ((budget_microdollars >= 0)),
    CONSTRAINT analysis_options_environments_check CHECK ((cardinality(environments) <= 20)),
    CONSTRAINT analysis_options_events_min_check CHECK (((events_min >= 1) AND (events_min <= 1000000))),
    CONSTRAINT analysis_options_hourly_max_check CHECK (((hourly_max >= 1) AND (hourly_max <= 1000))),
    CONSTRAINT analysis_options_interval_minutes_check CHECK (((interval_minutes >= 1) AND (interval_minutes <= 43200))),
    CONSTRAINT analysis_options_version_check CHECK ((version > 0))
);

CREATE TABLE public.analysis_provider (
    singleton boolean DEFAULT true NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    paused_until timestamp with time zone,
    last_failure text,
    CONSTRAINT analysis_provider_singleton_check CHECK (singleton)
);

CREATE TABLE public.analysis_spending (
    workspace_id bigint NOT NULL,
    month date NOT NULL,
    spender bigint NOT NULL,
    reserved_microdollars bigint DEFAULT 0 NOT NULL,
    spent_microdollars bigint DEFAULT 0 NOT NULL,
    CONSTRAINT analysis_spending_reserved_microdollars_check CHECK ((reserved_microdollars >= 0)),
    CONSTRAINT analysis_spending_spent_microdollars_check CHECK ((spent_microdollars >= 0))
);

CREATE TABLE public.analysis_watch (
    project_id bigint NOT NULL,
    incident_id bigint NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    explained_at timestamp with time zone,
    event_count bigint,
    stacks integer,
    release text
);

CREATE TABLE public.archives (
    project_id bigint NOT NULL,
    expires_on date NOT NULL,
    object_key text NOT NULL,
    row_count bigint NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    signature bigint NOT NULL,
    archived_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    delete_on date NOT NULL,
    leftovers jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT archives_sha256_check CHECK ((length(sha256) = 64))
);

CREATE TABLE public.attempts (
    workspace_id bigint NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    error text,
    CONSTRAINT attempts_error_check CHECK ((length(error) <= 500)),
    CONSTRAINT attempts_outcome_check CHECK ((outcome = ANY (ARRAY['sent'::text, 'failed'::text, 'refused'::text])))
);

CREATE TABLE public.audit_log (
    workspace_id bigint NOT NULL,
    id bigint NOT NULL,
    project_id bigint,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor_kind text NOT NULL,
    actor_id bigint,
    action text NOT NULL,
    object_id text NOT NULL,
    before jsonb,
    after jsonb,
    address text,
    CONSTRAINT audit_log_action_check CHECK ((action ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT audit_log_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['person'::text, 'key'::text, 'cron'::text, 'link'::text]))),
    CONSTRAINT audit_log_address_check CHECK ((length(address) <= 64)),
    CONSTRAINT audit_log_object_id_check CHECK ((length(object_id) <= 200))
);
ALTER TABLE ONLY public.audit_log ALTER COLUMN before SET STATISTICS 0;
ALTER TABLE ONLY public.audit_log ALTER COLUMN after SET STATISTICS 0;
ALTER TABLE ONLY public.audit_log ALTER COLUMN address SET STATISTICS 0;

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_refusals (
    workspace_id bigint NOT NULL,
    minute timestamp with time zone NOT NULL,
    actor_kind text NOT NULL,
    actor_id bigint NOT NULL,
    action text NOT NULL,
    project_id bigint,
    object_id text NOT NULL,
    address text,
    attempts integer DEFAULT 1 NOT NULL,
    CONSTRAINT audit_refusals_action_check CHECK ((action ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT audit_refusals_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['person'::text, 'key'::text]))),
    CONSTRAINT audit_refusals_address_check CHECK ((length(address) <= 64)),
    CONSTRAINT audit_refusals_object_id_check CHECK ((length(object_id) <= 200))
);
ALTER TABLE ONLY public.audit_refusals ALTER COLUMN address SET STATISTICS 0;

CREATE TABLE public.channels (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    target jsonb,
    digest_minutes integer DEFAULT 10 NOT NULL,
    hourly_max integer DEFAULT 20 NOT NULL,
    muted_until timestamp with time zone,
    told_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT channels_check CHECK (((target IS NOT NULL) OR (kind = 'email'::text))),
    CONSTRAINT channels_digest_minutes_check CHECK (((digest_minutes >= 0) AND (digest_minutes <= 1440))),
    CONSTRAINT channels_disabled_reason_check CHECK ((length(disabled_reason) <= 200)),
    CONSTRAINT channels_hourly_max_check CHECK (((hourly_max >= 1) AND (hourly_max <= 120))),
    CONSTRAINT channels_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text, 'slack'::text, 'discord'::text]))),
    CONSTRAINT channels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
);
ALTER TABLE ONLY public.channels ALTER COLUMN target SET STATISTICS 0;

ALTER TABLE public.channels ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.channels_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.clerk_messages (
    message_id text NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT clerk_messages_message_id_check CHECK (((length(message_id) >= 1) AND (length(message_id) <= 200)))
);

CREATE TABLE public.cron_runs (
    job text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    report jsonb
);

CREATE TABLE public.deliveries (
    workspace_id bigint NOT NULL,
    id uuid NOT NULL,
    project_id bigint,
    channel_id bigint,
    purpose text NOT NULL,
    kind text NOT NULL,
    recipient text,
    content jsonb,
    idempotency_key text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    next_try_at timestamp with time zone DEFAULT clock_timestamp(),
    leased_until timestamp with time zone,
    tries integer DEFAULT 0 NOT NULL,
    tries_before integer DEFAULT 0 NOT NULL,
    first_tried_at timestamp with time zone,
    finished_at timestamp with time zone,
    last_error text,
    provider_id text,
    incident_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    sender text,
    erased_at timestamp with time zone,
    CONSTRAINT deliveries_check CHECK (((kind = 'email'::text) = (recipient IS NOT NULL))),
    CONSTRAINT deliveries_check1 CHECK (((state = 'pending'::text) = (next_try_at IS NOT NULL))),
    CONSTRAINT deliveries_check2 CHECK (((content IS NOT NULL) OR (state <> 'pending'::text))),
    CONSTRAINT deliveries_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 200))),
    CONSTRAINT deliveries_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text, 'slack'::text, 'discord'::text]))),
    CONSTRAINT deliveries_last_error_check CHECK ((length(last_error) <= 500)),
    CONSTRAINT deliveries_provider_id_check CHECK ((length(provider_id) <= 200)),
    CONSTRAINT deliveries_purpose_check CHECK ((purpose ~ '^[a-z_]{1,40}$'::text)),
    CONSTRAINT deliveries_recipient_check CHECK ((length(recipient) <= 320)),
    CONSTRAINT deliveries_sender_check CHECK ((length(sender) <= 320)),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'dead'::text, 'cancelled'::text])))
);
ALTER TABLE ONLY public.deliveries ALTER COLUMN recipient SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN last_error SET STATISTICS 0;

CREATE TABLE public.dismissed_suggestions (
    project_id bigint NOT NULL,
    incident_id bigint NOT NULL,
    other_id bigint NOT NULL,
    dismissed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    dismissed_by bigint,
    CONSTRAINT dismissed_suggestions_check CHECK ((other_id > incident_id))
);

CREATE TABLE public.erasures (
    workspace_id bigint NOT NULL,
    id bigint NOT NULL,
    requested_by bigint,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    user_hashes bytea[] NOT NULL,
    mark text NOT NULL,
    mentions boolean NOT NULL,
    "position" jsonb,
    removed jsonb DEFAULT '{}'::jsonb NOT NULL,
    finished_at timestamp with time zone,
    word_mark text NOT NULL,
    word_lengths integer[] NOT NULL,
    joiners text NOT NULL
);

ALTER TABLE public.erasures ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.erasures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event_counts (
    project_id bigint NOT NULL,
    fingerprint uuid NOT NULL,
    hour timestamp with time zone NOT NULL,
    environment text NOT NULL,
    release text NOT NULL,
    event_count bigint NOT NULL
)
WITH (fillfactor='80');

CREATE TABLE public.event_ids (
    project_id bigint NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    fingerprint uuid NOT NULL
);

CREATE TABLE public.event_payloads (
    project_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    expires_on date NOT NULL,
    dictionary smallint NOT NULL,
    payload bytea NOT NULL
)
PARTITION BY RANGE (expires_on);
ALTER TABLE ONLY public.event_payloads ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE public.exports (
    workspace_id bigint NOT NULL,
    id bigint NOT NULL,
    requested_by bigint,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    link_hash bytea NOT NULL,
    parts jsonb NOT NULL,
    CONSTRAINT exports_link_hash_check CHECK ((length(link_hash) = 32))
);

ALTER TABLE public.exports ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.exports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.fingerprint_minutes (
    project_id bigint NOT NULL,
    minute timestamp with time zone NOT NULL,
    made integer NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.held_fingerprints (
    project_id bigint NOT NULL,
    hold_id bigint NOT NULL,
    fingerprint uuid NOT NULL
);

CREATE TABLE public.idempotency_keys (
    actor_kind text NOT NULL,
    actor_id bigint NOT NULL,
    idempotency_key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint,
    answer jsonb,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT idempotency_keys_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['person'::text, 'key'::text]))),
    CONSTRAINT idempotency_keys_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 200))),
    CONSTRAINT idempotency_keys_request_hash_check CHECK ((length(request_hash) = 32))
);

CREATE TABLE public.incident_fingerprints (
    project_id bigint NOT NULL,
    fingerprint uuid NOT NULL,
    incident_id bigint NOT NULL,
    version smallint NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    parts jsonb NOT NULL,
    event_count bigint DEFAULT 0 NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    environments text[] DEFAULT '{}'::text[] NOT NULL,
    first_release text,
    first_release_seen timestamp with time zone,
    last_release text,
    last_release_seen timestamp with time zone,
    home_incident_id bigint,
    moved_from bigint,
    moved_at timestamp with time zone,
    moved_by bigint,
    previous_fingerprint uuid,
    people_count bigint DEFAULT 0 NOT NULL,
    counted_on date,
    counted_today integer DEFAULT 0 NOT NULL,
    kept_today integer DEFAULT 0 NOT NULL,
    kept_at timestamp with time zone
)
WITH (fillfactor='80');
ALTER TABLE ONLY public.incident_fingerprints ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY public.incident_fingerprints ALTER COLUMN parts SET STATISTICS 0;

CREATE TABLE public.incident_people (
    project_id bigint NOT NULL,
    user_hash bytea NOT NULL,
    fingerprint uuid NOT NULL
);

CREATE TABLE public.incident_tags (
    project_id bigint NOT NULL,
    fingerprint uuid NOT NULL,
    name_hash bigint NOT NULL,
    value_hash bigint NOT NULL,
    seen_on date NOT NULL
);

CREATE TABLE public.invitations (
    workspace_id bigint NOT NULL,
    id bigint NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by bigint,
    revoked_at timestamp with time zone,
    CONSTRAINT invitations_email_check CHECK (((length(email) >= 3) AND (length(email) <= 320))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text]))),
    CONSTRAINT invitations_token_hash_check CHECK ((length(token_hash) = 32))
);
ALTER TABLE ONLY public.invitations ALTER COLUMN email SET STATISTICS 0;

ALTER TABLE public.invitations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.invitations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.kept_payloads (
    project_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    fingerprint uuid NOT NULL,
    expires_on date NOT NULL,
    dictionary smallint NOT NULL,
    payload bytea NOT NULL,
    kept_until date
);
ALTER TABLE ONLY public.kept_payloads ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE public.keys (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    rate_per_minute integer DEFAULT 30000 NOT NULL,
    allowed_origins text[] DEFAULT '{}'::text[] NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    rotated_from bigint,
    CONSTRAINT keys_key_hash_check CHECK ((length(key_hash) = 32)),
    CONSTRAINT keys_kind_check CHECK ((kind = ANY (ARRAY['ingest'::text, 'api'::text]))),
    CONSTRAINT keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80))),
    CONSTRAINT keys_prefix_check CHECK ((length(prefix) <= 24)),
    CONSTRAINT keys_rate_per_minute_check CHECK ((rate_per_minute > 0))
);

ALTER TABLE public.keys ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.keys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.legal_holds (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    incident_id bigint,
    reason text NOT NULL,
    placed_by bigint,
    placed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_by bigint,
    ended_at timestamp with time zone,
    CONSTRAINT legal_holds_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 1000)))
);
ALTER TABLE ONLY public.legal_holds ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE public.legal_holds ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.legal_holds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.members (
    workspace_id bigint NOT NULL,
    person_id bigint NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);

CREATE TABLE public.notices (
    workspace_id bigint NOT NULL,
    id bigint NOT NULL,
    project_id bigint,
    kind text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    handled_at timestamp with time zone,
    CONSTRAINT notices_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text))
);

ALTER TABLE public.notices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.outcome_samples (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    key_id bigint NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    detail text,
    event_count bigint NOT NULL,
    CONSTRAINT outcome_samples_detail_check CHECK ((length(detail) <= 300)),
    CONSTRAINT outcome_samples_reason_check CHECK ((length(reason) <= 40))
);
ALTER TABLE ONLY public.outcome_samples ALTER COLUMN detail SET STATISTICS 0;

ALTER TABLE public.outcome_samples ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outcome_samples_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.outcomes (
    project_id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    key_id bigint NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    shard smallint NOT NULL,
    event_count bigint NOT NULL,
    CONSTRAINT outcomes_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'duplicate'::text, 'sampled'::text, 'rate_limited'::text, 'over_quota'::text, 'invalid'::text, 'filtered'::text, 'too_large'::text, 'sdk_dropped'::text, 'failed'::text]))),
    CONSTRAINT outcomes_reason_check CHECK ((length(reason) <= 40))
)
WITH (fillfactor='50');

CREATE TABLE public.people (
    id bigint NOT NULL,
    clerk_user_id text NOT NULL,
    email text,
    name text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    clerk_updated_at timestamp with time zone,
    deleted_at timestamp with time zone,
    CONSTRAINT people_clerk_user_id_check CHECK (((length(clerk_user_id) >= 1) AND (length(clerk_user_id) <= 200))),
    CONSTRAINT people_email_check CHECK ((length(email) <= 320)),
    CONSTRAINT people_name_check CHECK ((length(name) <= 200))
);
ALTER TABLE ONLY public.people ALTER COLUMN clerk_user_id SET STATISTICS 0;
ALTER TABLE ONLY public.people ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE ONLY public.people ALTER COLUMN name SET STATISTICS 0;

ALTER TABLE public.people ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.people_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.project_hours (
    project_id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    spike_events bigint,
    protected_at timestamp with time zone
);

CREATE TABLE public.project_rules (
    project_id bigint NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    rules jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by bigint,
    CONSTRAINT project_rules_kind_check CHECK ((kind = ANY (ARRAY['grouping'::text, 'redaction'::text]))),
    CONSTRAINT project_rules_version_check CHECK ((version > 0))
);

CREATE TABLE public.project_slugs (
    workspace_id bigint NOT NULL,
    slug text NOT NULL,
    project_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.projects (
    id bigint NOT NULL,
    workspace_id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    retention_days integer DEFAULT 90 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    events_per_minute_max integer DEFAULT 60000 NOT NULL,
    fingerprints_per_minute_max integer DEFAULT 300 NOT NULL,
    payloads_per_day integer DEFAULT 1000 NOT NULL,
    spike_factor integer DEFAULT 10,
    deleted_at timestamp with time zone,
    repository text,
    CONSTRAINT projects_events_per_minute_max_check CHECK ((events_per_minute_max > 0)),
    CONSTRAINT projects_fingerprints_per_minute_max_check CHECK ((fingerprints_per_minute_max > 0)),
    CONSTRAINT projects_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT projects_payloads_per_day_check CHECK ((payloads_per_day > 0)),
    CONSTRAINT projects_repository_check CHECK ((repository ~ '^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$'::text)),
    CONSTRAINT projects_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 3650))),
    CONSTRAINT projects_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
    CONSTRAINT projects_spike_factor_check CHECK (((spike_factor >= 2) AND (spike_factor <= 1000)))
);

ALTER TABLE public.projects ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.projects_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recipients (
    project_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    address text NOT NULL,
    token text NOT NULL,
    unsubscribed_at timestamp with time zone,
    again_hash bytea,
    again_expires_at timestamp with time zone,
    CONSTRAINT recipients_address_check CHECK ((length(address) <= 320)),
    CONSTRAINT recipients_again_hash_check CHECK ((length(again_hash) = 32)),
    CONSTRAINT recipients_token_check CHECK ((length(token) >= 32))
);
ALTER TABLE ONLY public.recipients ALTER COLUMN address SET STATISTICS 0;

CREATE TABLE public.releases (
    project_id bigint NOT NULL,
    release text NOT NULL,
    release_key text COLLATE pg_catalog."C",
    first_seen timestamp with time zone NOT NULL,
    CONSTRAINT releases_release_check CHECK (((length(release) >= 1) AND (length(release) <= 200)))
);

CREATE TABLE public.retention_changes (
    project_id bigint NOT NULL,
    next_day date NOT NULL,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE public.retention_sweeps (
    step text NOT NULL,
    "position" jsonb,
    passed_at timestamp with time zone
);

CREATE TABLE public.saved_views (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    sort text NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT saved_views_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80))),
    CONSTRAINT saved_views_query_check CHECK ((length(query) <= 1000)),
    CONSTRAINT saved_views_sort_check CHECK ((sort = ANY (ARRAY['last_seen'::text, 'first_seen'::text, 'event_count'::text])))
);
ALTER TABLE ONLY public.saved_views ALTER COLUMN query SET STATISTICS 0;

ALTER TABLE public.saved_views ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.saved_views_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.transitions (
    project_id bigint NOT NULL,
    id bigint NOT NULL,
    incident_id bigint NOT NULL,
    kind text NOT NULL,
    event_id uuid,
    release text,
    environment text,
    created_at timestamp with time zone NOT NULL,
    handled_at timestamp with time zone,
    considered_at timestamp with time zone,
    CONSTRAINT transitions_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'regressed'::text, 'escalated'::text, 'appeared'::text])))
);

ALTER TABLE public.transitions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.transitions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.usage (
    workspace_id bigint NOT NULL,
    month date NOT NULL,
    project_id bigint NOT NULL,
    shard smallint NOT NULL,
    event_count bigint DEFAULT 0 NOT NULL,
    payload_bytes bigint DEFAULT 0 NOT NULL,
    analysis_count bigint DEFAULT 0 NOT NULL,
    mail_count bigint DEFAULT 0 NOT NULL,
    CONSTRAINT usage_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
)
WITH (fillfactor='50');

CREATE TABLE public.workspace_slugs (
    slug text NOT NULL,
    workspace_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workspaces (
    id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    person_hash_key bytea DEFAULT (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    events_per_month_max bigint,
    deleted_at timestamp with time zone,
    CONSTRAINT workspaces_events_per_month_max_check CHECK ((events_per_month_max >= 0)),
    CONSTRAINT workspaces_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT workspaces_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
);

ALTER TABLE public.workspaces ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.workspaces_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (workspace_id, address);

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.alert_findings
    ADD CONSTRAINT alert_findings_pkey PRIMARY KEY (project_id, alert_id, rule_id);

ALTER TABLE ONLY public.alert_rule_channels
    ADD CONSTRAINT alert_rule_channels_pkey PRIMARY KEY (project_id, rule_id, channel_id);

ALTER TABLE ONLY public.alert_rules
    ADD CONSTRAINT alert_rules_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT alert_states_pkey PRIMARY KEY (project_id, rule_id, incident_id, condition);

ALTER TABLE ONLY public.alert_watches
    ADD CONSTRAINT alert_watches_pkey PRIMARY KEY (project_id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_project_id_channel_id_transition_id_key UNIQUE (project_id, channel_id, transition_id);

ALTER TABLE ONLY public.analyses
    ADD CONSTRAINT analyses_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.analysis_months
    ADD CONSTRAINT analysis_months_pkey PRIMARY KEY (month);

ALTER TABLE ONLY public.analysis_options
    ADD CONSTRAINT analysis_options_pkey PRIMARY KEY (project_id);

ALTER TABLE ONLY public.analysis_provider
    ADD CONSTRAINT analysis_provider_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.analysis_spending
    ADD CONSTRAINT analysis_spending_pkey PRIMARY KEY (workspace_id, month, spender);

ALTER TABLE ONLY public.analysis_watch
    ADD CONSTRAINT analysis_watch_pkey PRIMARY KEY (project_id, incident_id);

ALTER TABLE ONLY public.archives
    ADD CONSTRAINT archives_pkey PRIMARY KEY (project_id, expires_on);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (workspace_id, delivery_id, number);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.audit_refusals
    ADD CONSTRAINT audit_refusals_pkey PRIMARY KEY (workspace_id, minute, actor_kind, actor_id, action);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.clerk_messages
    ADD CONSTRAINT clerk_messages_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY public.cron_runs
    ADD CONSTRAINT cron_runs_pkey PRIMARY KEY (job);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_workspace_id_idempotency_key_key UNIQUE (workspace_id, idempotency_key);

ALTER TABLE ONLY public.dismissed_suggestions
    ADD CONSTRAINT dismissed_suggestions_pkey PRIMARY KEY (project_id, incident_id, other_id);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.event_counts
    ADD CONSTRAINT event_counts_pkey PRIMARY KEY (project_id, fingerprint, hour, environment, release);

ALTER TABLE ONLY public.event_ids
    ADD CONSTRAINT event_ids_pkey PRIMARY KEY (project_id, event_id);

ALTER TABLE ONLY public.event_payloads
    ADD CONSTRAINT event_payloads_pkey PRIMARY KEY (project_id, received_at, event_id, expires_on);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (project_id, fingerprint, received_at, event_id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.fingerprint_minutes
    ADD CONSTRAINT fingerprint_minutes_pkey PRIMARY KEY (project_id);

ALTER TABLE ONLY public.held_fingerprints
    ADD CONSTRAINT held_fingerprints_pkey PRIMARY KEY (project_id, hold_id, fingerprint);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (actor_kind, actor_id, idempotency_key);

ALTER TABLE ONLY public.incident_fingerprints
    ADD CONSTRAINT incident_fingerprints_pkey PRIMARY KEY (project_id, fingerprint);

ALTER TABLE ONLY public.incident_people
    ADD CONSTRAINT incident_people_pkey PRIMARY KEY (project_id, user_hash, fingerprint);

ALTER TABLE ONLY public.incident_tags
    ADD CONSTRAINT incident_tags_pkey PRIMARY KEY (project_id, fingerprint, name_hash, value_hash);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.kept_payloads
    ADD CONSTRAINT kept_payloads_pkey PRIMARY KEY (project_id, received_at, event_id);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (workspace_id, person_id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.outcome_samples
    ADD CONSTRAINT outcome_samples_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (project_id, hour, key_id, outcome, reason, shard);

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_clerk_user_id_key UNIQUE (clerk_user_id);

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.project_hours
    ADD CONSTRAINT project_hours_pkey PRIMARY KEY (project_id, hour);

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_pkey PRIMARY KEY (project_id, kind);

ALTER TABLE ONLY public.project_slugs
    ADD CONSTRAINT project_slugs_pkey PRIMARY KEY (workspace_id, slug);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_workspace_id_id_key UNIQUE (workspace_id, id);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_workspace_id_slug_key UNIQUE (workspace_id, slug);

ALTER TABLE ONLY public.recipients
    ADD CONSTRAINT recipients_again_hash_key UNIQUE (again_hash);

ALTER TABLE ONLY public.recipients
    ADD CONSTRAINT recipients_pkey PRIMARY KEY (project_id, channel_id, address);

ALTER TABLE ONLY public.recipients
    ADD CONSTRAINT recipients_token_key UNIQUE (token);

ALTER TABLE ONLY public.releases
    ADD CONSTRAINT releases_pkey PRIMARY KEY (project_id, release);

ALTER TABLE ONLY public.retention_changes
    ADD CONSTRAINT retention_changes_pkey PRIMARY KEY (project_id);

ALTER TABLE ONLY public.retention_sweeps
    ADD CONSTRAINT retention_sweeps_pkey PRIMARY KEY (step);

ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT saved_views_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT saved_views_project_id_name_key UNIQUE (project_id, name);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (project_id, id);

ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (workspace_id, month, project_id, shard);

ALTER TABLE ONLY public.workspace_slugs
    ADD CONSTRAINT workspace_slugs_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_slug_key UNIQUE (slug);

CREATE INDEX alert_findings_by_rule ON public.alert_findings USING btree (project_id, rule_id);

CREATE INDEX alert_rule_channels_by_channel ON public.alert_rule_channels USING btree (project_id, channel_id);

CREATE INDEX alert_states_by_incident ON public.alert_states USING btree (project_id, incident_id);

CREATE INDEX alert_watches_by_check ON public.alert_watches USING btree (checked_at);

CREATE INDEX alerts_by_age ON public.alerts USING btree (created_at);

CREATE INDEX alerts_by_channel ON public.alerts USING btree (project_id, channel_id, due_at) WHERE ((told_at IS NULL) AND (dropped_at IS NULL));

CREATE INDEX alerts_by_incident ON public.alerts USING btree (project_id, incident_id);

CREATE INDEX alerts_by_rule ON public.alerts USING btree (project_id, rule_id);

CREATE INDEX alerts_dropped ON public.alerts USING btree (project_id, dropped_at) WHERE (dropped_at IS NOT NULL);

CREATE INDEX alerts_waiting ON public.alerts USING btree (due_at) WHERE ((told_at IS NULL) AND (dropped_at IS NULL));

CREATE UNIQUE INDEX analyses_ahead ON public.analyses USING btree (project_id, incident_id) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));

CREATE INDEX analyses_by_incident ON public.analyses USING btree (project_id, incident_id, id DESC);

CREATE INDEX analyses_called ON public.analyses USING btree (project_id, called_at) WHERE (called_at IS NOT NULL);

CREATE INDEX analyses_due ON public.analyses USING btree (due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));

CREATE INDEX analysis_watch_by_check ON public.analysis_watch USING btree (checked_at);

CREATE INDEX archives_by_end ON public.archives USING btree (delete_on);

CREATE INDEX audit_log_by_object ON public.audit_log USING btree (workspace_id, project_id, object_id, id DESC);

CREATE INDEX audit_log_by_person ON public.audit_log USING btree (actor_id) WHERE (actor_kind = 'person'::text);

CREATE INDEX audit_refusals_by_person ON public.audit_refusals USING btree (actor_id) WHERE (actor_kind = 'person'::text);

CREATE INDEX clerk_messages_by_age ON public.clerk_messages USING btree (received_at);

CREATE INDEX deliveries_by_age ON public.deliveries USING btree (created_at);

CREATE INDEX deliveries_by_channel ON public.deliveries USING btree (project_id, channel_id, created_at) WHERE (channel_id IS NOT NULL);

CREATE INDEX deliveries_by_project ON public.deliveries USING btree (project_id, created_at DESC, id DESC);

CREATE INDEX deliveries_by_recipient ON public.deliveries USING btree (lower(recipient)) WHERE (recipient IS NOT NULL);
ALTER INDEX public.deliveries_by_recipient ALTER COLUMN 1 SET STATISTICS 0;

CREATE INDEX deliveries_pending ON public.deliveries USING btree (workspace_id, next_try_at) WHERE (state = 'pending'::text);

CREATE INDEX dismissed_suggestions_by_other ON public.dismissed_suggestions USING btree (project_id, other_id);

CREATE INDEX dismissed_suggestions_by_person ON public.dismissed_suggestions USING btree (dismissed_by) WHERE (dismissed_by IS NOT NULL);

CREATE INDEX erasures_requested_by ON public.erasures USING btree (requested_by) WHERE (requested_by IS NOT NULL);

CREATE INDEX erasures_unfinished ON public.erasures USING btree (requested_at) WHERE (finished_at IS NULL);

CREATE INDEX event_counts_by_release ON public.event_counts USING btree (project_id, release, fingerprint);

CREATE UNIQUE INDEX exports_by_link ON public.exports USING btree (link_hash);

CREATE INDEX exports_requested_by ON public.exports USING btree (requested_by) WHERE (requested_by IS NOT NULL);

CREATE INDEX held_fingerprints_by_fingerprint ON public.held_fingerprints USING btree (project_id, fingerprint);

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX incident_fingerprints_by_incident ON public.incident_fingerprints USING btree (project_id, incident_id);

CREATE INDEX incident_fingerprints_moved_by ON public.incident_fingerprints USING btree (moved_by) WHERE (moved_by IS NOT NULL);

CREATE INDEX incident_people_by_fingerprint ON public.incident_people USING btree (project_id, fingerprint, user_hash);

CREATE INDEX incident_tags_by_day ON public.incident_tags USING btree (project_id, seen_on);

CREATE INDEX incident_tags_by_value ON public.incident_tags USING btree (project_id, value_hash, fingerprint, name_hash);

CREATE INDEX incidents_by_assignee ON public.incidents USING btree (assignee_id) WHERE (assignee_id IS NOT NULL);

CREATE INDEX incidents_by_event_count ON public.incidents USING btree (project_id, event_count DESC, id DESC);

CREATE INDEX incidents_by_first_seen ON public.incidents USING btree (project_id, first_seen DESC, id DESC);

CREATE INDEX incidents_by_last_seen ON public.incidents USING btree (project_id, last_seen DESC, id DESC);

CREATE INDEX incidents_merged ON public.incidents USING btree (project_id, merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX invitations_by_address ON public.invitations USING btree (lower(email));
ALTER INDEX public.invitations_by_address ALTER COLUMN 1 SET STATISTICS 0;

CREATE UNIQUE INDEX invitations_pending ON public.invitations USING btree (workspace_id, lower(email)) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));
ALTER INDEX public.invitations_pending ALTER COLUMN 2 SET STATISTICS 0;

CREATE INDEX kept_payloads_until ON public.kept_payloads USING btree (kept_until);

CREATE INDEX keys_rotated_from ON public.keys USING btree (project_id, rotated_from) WHERE (rotated_from IS NOT NULL);

CREATE INDEX legal_holds_by_incident ON public.legal_holds USING btree (project_id, incident_id) WHERE (incident_id IS NOT NULL);

CREATE INDEX legal_holds_ended_by ON public.legal_holds USING btree (ended_by) WHERE (ended_by IS NOT NULL);

CREATE UNIQUE INDEX legal_holds_once ON public.legal_holds USING btree (project_id, COALESCE(incident_id, (0)::bigint)) WHERE (ended_at IS NULL);

CREATE INDEX legal_holds_placed_by ON public.legal_holds USING btree (placed_by) WHERE (placed_by IS NOT NULL);

CREATE INDEX members_by_person ON public.members USING btree (person_id);

CREATE INDEX notices_unhandled ON public.notices USING btree (created_at) WHERE (handled_at IS NULL);

CREATE INDEX project_slugs_by_project ON public.project_slugs USING btree (workspace_id, project_id);

CREATE INDEX projects_deleted ON public.projects USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE INDEX retention_changes_unfinished ON public.retention_changes USING btree (requested_at) WHERE (finished_at IS NULL);

CREATE INDEX saved_views_created_by ON public.saved_views USING btree (created_by) WHERE (created_by IS NOT NULL);

CREATE INDEX transitions_by_incident ON public.transitions USING btree (project_id, incident_id, id DESC);

CREATE INDEX transitions_unconsidered ON public.transitions USING btree (created_at) WHERE (considered_at IS NULL);

CREATE INDEX transitions_unhandled ON public.transitions USING btree (created_at) WHERE (handled_at IS NULL);

CREATE INDEX workspace_slugs_by_workspace ON public.workspace_slugs USING btree (workspace_id);

CREATE INDEX workspaces_deleted ON public.workspaces USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE TRIGGER alerts_have_a_finding AFTER INSERT ON public.alerts FOR EACH ROW EXECUTE FUNCTION public.write_alert_finding();

CREATE TRIGGER audit_log_rows_stay BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.refuse_audit_change();

CREATE TRIGGER audit_log_stays BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();

CREATE TRIGGER incident_fingerprints_followed AFTER INSERT ON public.incident_fingerprints FOR EACH ROW WHEN ((new.previous_fingerprint IS NOT NULL)) EXECUTE FUNCTION public.keep_hold();

CREATE TRIGGER incident_fingerprints_moved AFTER UPDATE OF incident_id ON public.incident_fingerprints FOR EACH ROW WHEN ((old.incident_id IS DISTINCT FROM new.incident_id)) EXECUTE FUNCTION public.keep_hold();

CREATE TRIGGER project_slug_stays AFTER INSERT OR UPDATE OF slug ON public.projects FOR EACH ROW EXECUTE FUNCTION public.keep_project_slug();

CREATE TRIGGER projects_have_alerts AFTER INSERT ON public.projects FOR EACH ROW EXECUTE FUNCTION public.make_alerts_of_project();

CREATE TRIGGER workspace_slug_stays AFTER INSERT OR UPDATE OF slug ON public.workspaces FOR EACH ROW EXECUTE FUNCTION public.keep_workspace_slug();

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_findings
    ADD CONSTRAINT alert_findings_project_id_alert_id_fkey FOREIGN KEY (project_id, alert_id) REFERENCES public.alerts(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_findings
    ADD CONSTRAINT alert_findings_project_id_rule_id_fkey FOREIGN KEY (project_id, rule_id) REFERENCES public.alert_rules(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_rule_channels
    ADD CONSTRAINT alert_rule_channels_project_id_channel_id_fkey FOREIGN KEY (project_id, channel_id) REFERENCES public.channels(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_rule_channels
    ADD CONSTRAINT alert_rule_channels_project_id_rule_id_fkey FOREIGN KEY (project_id, rule_id) REFERENCES public.alert_rules(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_rules
    ADD CONSTRAINT alert_rules_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.alert_rules
    ADD CONSTRAINT alert_rules_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT alert_states_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT alert_states_project_id_rule_id_fkey FOREIGN KEY (project_id, rule_id) REFERENCES public.alert_rules(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_watches
    ADD CONSTRAINT alert_watches_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_project_id_channel_id_fkey FOREIGN KEY (project_id, channel_id) REFERENCES public.channels(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_project_id_rule_id_fkey FOREIGN KEY (project_id, rule_id) REFERENCES public.alert_rules(project_id, id) ON DELETE SET NULL (rule_id);

ALTER TABLE ONLY public.analyses
    ADD CONSTRAINT analyses_corrected_by_fkey FOREIGN KEY (corrected_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.analyses
    ADD CONSTRAINT analyses_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.analyses
    ADD CONSTRAINT analyses_rated_by_fkey FOREIGN KEY (rated_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.analyses
    ADD CONSTRAINT analyses_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.analysis_options
    ADD CONSTRAINT analysis_options_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.analysis_options
    ADD CONSTRAINT analysis_options_updated_by_fkey FOREIGN KEY (updated_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.analysis_spending
    ADD CONSTRAINT analysis_spending_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.analysis_watch
    ADD CONSTRAINT analysis_watch_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.archives
    ADD CONSTRAINT archives_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_workspace_id_delivery_id_fkey FOREIGN KEY (workspace_id, delivery_id) REFERENCES public.deliveries(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_refusals
    ADD CONSTRAINT audit_refusals_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_project_id_channel_id_fkey FOREIGN KEY (project_id, channel_id) REFERENCES public.channels(project_id, id) ON DELETE SET NULL (channel_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_workspace_id_project_id_fkey FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dismissed_suggestions
    ADD CONSTRAINT dismissed_suggestions_dismissed_by_fkey FOREIGN KEY (dismissed_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.dismissed_suggestions
    ADD CONSTRAINT dismissed_suggestions_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dismissed_suggestions
    ADD CONSTRAINT dismissed_suggestions_project_id_other_id_fkey FOREIGN KEY (project_id, other_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_counts
    ADD CONSTRAINT event_counts_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.people(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.fingerprint_minutes
    ADD CONSTRAINT fingerprint_minutes_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.held_fingerprints
    ADD CONSTRAINT held_fingerprints_project_id_fingerprint_fkey FOREIGN KEY (project_id, fingerprint) REFERENCES public.incident_fingerprints(project_id, fingerprint) ON DELETE CASCADE;

ALTER TABLE ONLY public.held_fingerprints
    ADD CONSTRAINT held_fingerprints_project_id_hold_id_fkey FOREIGN KEY (project_id, hold_id) REFERENCES public.legal_holds(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incident_fingerprints
    ADD CONSTRAINT incident_fingerprints_moved_by_fkey FOREIGN KEY (moved_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.incident_fingerprints
    ADD CONSTRAINT incident_fingerprints_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.incident_people
    ADD CONSTRAINT incident_people_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_project_id_merged_into_fkey FOREIGN KEY (project_id, merged_into) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kept_payloads
    ADD CONSTRAINT kept_payloads_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_project_id_rotated_from_fkey FOREIGN KEY (project_id, rotated_from) REFERENCES public.keys(project_id, id);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_placed_by_fkey FOREIGN KEY (placed_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_workspace_id_project_id_fkey FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.outcome_samples
    ADD CONSTRAINT outcome_samples_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.project_hours
    ADD CONSTRAINT project_hours_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_updated_by_fkey FOREIGN KEY (updated_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.project_slugs
    ADD CONSTRAINT project_slugs_workspace_id_project_id_fkey FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recipients
    ADD CONSTRAINT recipients_project_id_channel_id_fkey FOREIGN KEY (project_id, channel_id) REFERENCES public.channels(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.releases
    ADD CONSTRAINT releases_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.retention_changes
    ADD CONSTRAINT retention_changes_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT saved_views_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT saved_views_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.transitions
    ADD CONSTRAINT transitions_project_id_incident_id_fkey FOREIGN KEY (project_id, incident_id) REFERENCES public.incidents(project_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workspace_slugs
    ADD CONSTRAINT workspace_slugs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

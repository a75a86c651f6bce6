-- Objects of an archive that its row does not name: one that is being written, or one it has just turned away from. Each with the
-- time since when: what is still there an hour later was left by a run that broke off, and the retention cron removes it.
alter table archives add column leftovers jsonb not null default '{}';

-- Behind which key of an incident's events no more than max_looked lie, walking on from a key; null where there are not so many.
--
-- Of each fingerprint few keys are taken at first. Where the cut through all that were taken lies beyond the last one taken of a
-- fingerprint, it may have more before the cut, and twice as many are taken of it. More keys only ever bring the cut nearer, so
-- those of which enough were taken stay so, and the cut is exact when there are no others.
create function event_cut(project bigint, prints uuid[], since timestamptz, after timestamptz, after_id uuid,
                          oldest_first boolean, max_looked integer, out cut_at timestamptz, out cut_id uuid)
language plpgsql stable
set enable_sort = off
as $$
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
$$;

-- As in 0071. An incident into which hundreds were merged has hundreds of fingerprints, and max_looked events of each were read
-- before most of them were left out: 0.9 s for 300 fingerprints of 4,000 events, and growing. Where that would be many, it is first
-- found out by keys alone how far a page reaches: 0.4 s, and hardly more with more events.
create or replace function event_steps(project bigint, incident bigint, since timestamptz, after timestamptz, after_id uuid,
                                       oldest_first boolean, environment text, release text, max_rows integer, max_looked integer)
returns table (last_at timestamptz, last_id uuid, is_more boolean, event events)
language plpgsql stable
set enable_sort = off
as $$
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
$$;

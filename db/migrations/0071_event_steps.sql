-- A page of an incident's events in either direction, narrowed to an environment or a release: how people step from one to the
-- next. As event_page (0007) it walks the keys of each day's partition, with the same reason for switching sorting off.
--
-- What an event is narrowed by stands in no key, so at most max_looked events are looked at. Every row says which was the last of
-- them, and whether there are more behind it; where none fits there is one row with that alone, so that the next page goes on there.
create function event_steps(project bigint, incident bigint, since timestamptz, after timestamptz, after_id uuid,
                            oldest_first boolean, environment text, release text, max_rows integer, max_looked integer)
returns table (last_at timestamptz, last_id uuid, is_more boolean, event events)
language plpgsql stable
set enable_sort = off
as $$
begin
    return query execute format('
        with looked as materialized (
            select e.*
              from incident_fingerprints f
             cross join lateral (
                   select *
                     from events e
                    where e.project_id = f.project_id and e.fingerprint = f.fingerprint
                      and e.received_at >= $3
                      and ($4 is null or (e.received_at, e.event_id) %1$s ($4, $5))
                    order by e.received_at %2$s, e.event_id %2$s
                    limit $9) e
             where f.project_id = $1 and f.incident_id = $2
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
        case when oldest_first then 'desc' else 'asc' end)
    using project, incident, since, after, after_id, environment, release, max_rows, max_looked;
end
$$;

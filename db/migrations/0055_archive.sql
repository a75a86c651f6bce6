-- Archives: what a day's payloads of a project became outside of the database, before their partition was dropped.

create table archives (
    project_id bigint not null references projects on delete cascade,
    expires_on date not null,
    object_key text not null,
    row_count bigint not null,
    -- Compressed.
    bytes bigint not null,
    sha256 text not null check (length(sha256) = 64),
    -- Which rows they are, whatever their order; see payload_signatures.
    signature bigint not null,
    archived_at timestamptz not null default clock_timestamp(),
    delete_on date not null,
    primary key (project_id, expires_on)
);
create index archives_by_end on archives (delete_on);

-- Each project's payloads of a day expiring: how many, and a number that changes when one comes or goes.
create function payload_signatures(expired date) returns table (project_id bigint, row_count bigint, signature bigint)
language plpgsql stable as $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
begin
    if to_regclass(name) is not null then
        return query execute format(
            'select p.project_id, count(*), bit_xor(hashtextextended(p.event_id::text, 0)) from %I p group by 1 order by 1', name);
    end if;
end
$$;

-- As prune_payloads, but only where all that is in the partition is in an archive as it is. Raises
-- object_not_in_prerequisite_state (55000) where it is not.
create function prune_archived_payloads(expired date) returns table (row_count bigint, bytes bigint)
language plpgsql
set lock_timeout = '2s'
as $$
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

-- As in 0051, and ten times as quick where nothing is held: whether a row is, is asked of each only where something is.
create or replace function prune_events(received date, max_rows integer) returns integer
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
                   select m.ctid from %1$I m
                    where m.expires_on < today() and (not $2 or not is_held(m.project_id, m.fingerprint)) limit $1))
            returning e.project_id, e.event_id
        ), locked as (
            select k.ctid from event_ids k join gone g on g.project_id = k.project_id and g.event_id = k.event_id
             order by k.project_id, k.event_id
               for update of k
        ), forgotten as (
            delete from event_ids k using locked l where k.ctid = l.ctid
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
$$;

-- As in 0052, but where nothing can be deleted any more and something is in the way, that is an error and no endless task.
create or replace function purge_rows(owner text, id bigint, max_rows integer) returns bigint
language plpgsql
set lock_timeout = '2s'
set "sensra.audit_erasure" = 'on'
as $$
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
$$;

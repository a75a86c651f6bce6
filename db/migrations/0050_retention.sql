-- Retention: expired payloads go by dropping the partition of their day; deleted projects and workspaces wait seven days.

-- Deleted, but still to be brought back. A workspace's projects carry its own time, so that bringing it back brings back these
-- and not those that were deleted before it.
alter table workspaces add column deleted_at timestamptz;
alter table projects add column deleted_at timestamptz;
create index workspaces_deleted on workspaces (deleted_at) where deleted_at is not null;
create index projects_deleted on projects (deleted_at) where deleted_at is not null;

-- What the last run that ended did: numbers only, nothing of a tenant. Health shows it.
alter table cron_runs add column report jsonb;

create function today() returns date language sql stable as $$ select (now() at time zone 'UTC')::date $$;

-- The partitions of one of the two partitioned tables, by the day that their name tells.
create function partitions_of(parent regclass) returns table (name text, day date)
language sql stable as $$
    select c.relname::text, to_date(right(c.relname, 8), 'YYYYMMDD')
      from pg_inherits h
      join pg_class c on c.oid = h.inhrelid
     where h.inhparent = parent
$$;

-- Drop the payloads that expired on a day, and write into each project's trail how many there were. Answers one row; none where
-- another run is at the same day or has dropped it. Raises lock_not_available (55P03) where somebody reads or writes payloads:
-- then nothing has happened, and the caller tries again.
--
-- Events wait for the 100 ms of lock_timeout at most, since the lock of the parent, which they need too, is asked for last; all
-- that takes time is done before it, under a lock that only vacuum and other changes of the table's form wait for. Vacuum gives
-- way to a waiting lock after a second, hence the two.
create function prune_payloads(expired date) returns table (row_count bigint, bytes bigint)
language plpgsql
set lock_timeout = '2s'
as $$
declare
    name text := 'event_payloads_' || to_char(expired, 'YYYYMMDD');
begin
    if expired >= today() then
        raise exception 'payloads of % have not expired', expired using errcode = 'invalid_parameter_value';
    end if;
    if to_regclass(name) is null or not pg_try_advisory_xact_lock(7306, expired - date '2000-01-01') then
        return;
    end if;
    execute format('lock table %I in share update exclusive mode', name);
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

-- The trail: who changed what, when and from where, written in the transaction of the change itself.
create table audit_log (
    workspace_id bigint not null references workspaces on delete cascade,
    id bigint generated always as identity,
    -- No foreign key: the trail outlives what it tells about.
    project_id bigint,
    at timestamptz not null default clock_timestamp(),
    actor_kind text not null check (actor_kind in ('person', 'key', 'cron')),
    actor_id bigint,
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    object_id text not null check (length(object_id) <= 200),
    before jsonb,
    after jsonb,
    address text check (length(address) <= 64),
    primary key (workspace_id, id)
);

-- Only added to. The one way around is to say so, for the length of a transaction: `set local sensra.audit_erasure = 'on'`.
create function refuse_audit_change() returns trigger
language plpgsql as $$
begin
    if current_setting('sensra.audit_erasure', true) is distinct from 'on' then
        raise exception 'audit_log is only added to' using errcode = 'insufficient_privilege';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger audit_log_rows_stay before update or delete on audit_log for each row execute function refuse_audit_change();
create trigger audit_log_stays before truncate on audit_log for each statement execute function refuse_audit_change();

-- What operations of the management API share: scopes of api keys, answers kept for repeated requests, refused attempts.

-- What an api key may do, as lib/permissions.py names it; an ingest key has none.
alter table keys add column scopes text[] not null default '{}';

-- A creating request that is sent again with the same Idempotency-Key is answered with what the first one was answered, without
-- what is shown only once. By who asks, person or key: whose tenant it is about stands in the operation itself.
create table idempotency_keys (
    actor_kind text not null check (actor_kind in ('person', 'key')),
    actor_id bigint not null,
    idempotency_key text not null check (length(idempotency_key) between 1 and 200),
    -- SHA-256 of the operation, its address and its body: the same key with another request is refused.
    request_hash bytea not null check (length(request_hash) = 32),
    status smallint,
    answer jsonb,
    created_at timestamptz not null default clock_timestamp(),
    primary key (actor_kind, actor_id, idempotency_key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Attempts that were refused: one row for each actor, action and minute, so that a flood of them cannot fill the table.
create table audit_refusals (
    workspace_id bigint not null references workspaces on delete cascade,
    minute timestamptz not null,
    actor_kind text not null check (actor_kind in ('person', 'key')),
    -- 0: a signed-in person whom Sensra does not know yet.
    actor_id bigint not null,
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    project_id bigint,
    -- Of the first attempt of that minute.
    object_id text not null check (length(object_id) <= 200),
    address text check (length(address) <= 64),
    attempts integer not null default 1,
    primary key (workspace_id, minute, actor_kind, actor_id, action)
);

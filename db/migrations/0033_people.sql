-- Invitations: bound to an address, once, for a while. Only the hash of the token in the link is kept.
create table invitations (
    workspace_id bigint not null references workspaces on delete cascade,
    id bigint generated always as identity,
    email text not null check (length(email) between 3 and 320),
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    token_hash bytea not null unique check (length(token_hash) = 32),
    created_by bigint references people on delete set null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by bigint references people on delete set null,
    revoked_at timestamptz,
    primary key (workspace_id, id)
);
create unique index invitations_pending on invitations (workspace_id, lower(email))
    where accepted_at is null and revoked_at is null;
create index invitations_by_email on invitations (lower(email)) where accepted_at is null and revoked_at is null;

-- What the sign-in service said last of a person, by its own clock: messages come late, twice and in any order.
alter table people add column clerk_updated_at timestamptz;
-- The account has been deleted: the row stays as a pseudonym for what the trail tells of it.
alter table people add column deleted_at timestamptz;

-- Messages of the sign-in service that were taken, so that none is taken twice.
create table clerk_messages (
    message_id text primary key check (length(message_id) between 1 and 200),
    received_at timestamptz not null default clock_timestamp()
);
create index clerk_messages_by_age on clerk_messages (received_at);

-- What is to leave the deployment: each message is a row before it is sent, and stays one until it is known what became of it.

-- Where a project's alerts go.
create table channels (
    project_id bigint not null references projects on delete cascade,
    id bigint generated always as identity,
    kind text not null check (kind in ('email', 'webhook', 'slack', 'discord')),
    name text not null check (length(name) between 1 and 80),
    -- What lib/channels keeps of the other side. Null: the workspace's owners, each by e-mail.
    target jsonb,
    -- After a message the next one waits for so long, and then tells all that has come up meanwhile.
    digest_minutes integer not null default 10 check (digest_minutes between 0 and 1440),
    hourly_max integer not null default 20 check (hourly_max between 1 and 120),
    muted_until timestamptz,
    -- When a message was last made for it: from then on the digest window runs.
    told_at timestamptz,
    -- Tries that failed since the last one that did not, and when the first of them was.
    failures integer not null default 0,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text check (length(disabled_reason) <= 200),
    created_by bigint references people on delete set null,
    created_at timestamptz not null default now(),
    primary key (project_id, id),
    check (target is not null or kind = 'email')
);

create table deliveries (
    workspace_id bigint not null references workspaces on delete cascade,
    -- Made before the message is rendered, which tells it; the provider is given it as idempotency key.
    id uuid not null,
    project_id bigint,
    -- Null: mail of Sensra itself, such as an invitation, or the channel is gone.
    channel_id bigint,
    purpose text not null check (purpose ~ '^[a-z_]{1,40}$'),
    kind text not null check (kind in ('email', 'webhook', 'slack', 'discord')),
    -- The address of a mail; what else is sent goes where its channel leads at that time.
    recipient text check (length(recipient) <= 320),
    -- Rendered once, so that each try sends the same; forgotten once it is sent.
    content jsonb,
    -- By whoever makes it: what is asked for twice is made once.
    idempotency_key text not null check (length(idempotency_key) between 1 and 200),
    state text not null default 'pending' check (state in ('pending', 'sent', 'dead', 'cancelled')),
    created_at timestamptz not null default clock_timestamp(),
    -- While somebody is at it: when the lease ends. Null: never.
    next_try_at timestamptz default clock_timestamp(),
    leased_until timestamptz,
    -- The fencing token: counts tries, and only the last one's worker may write what became of it.
    tries integer not null default 0,
    -- Tries before it was sent again by hand, from when on the schedule starts anew.
    tries_before integer not null default 0,
    first_tried_at timestamptz,
    finished_at timestamptz,
    last_error text check (length(last_error) <= 500),
    provider_id text check (length(provider_id) <= 200),
    primary key (workspace_id, id),
    unique (workspace_id, idempotency_key),
    foreign key (workspace_id, project_id) references projects (workspace_id, id) on delete cascade,
    foreign key (project_id, channel_id) references channels (project_id, id) on delete set null (channel_id),
    check ((kind = 'email') = (recipient is not null)),
    check ((state = 'pending') = (next_try_at is not null)),
    check (content is not null or state <> 'pending')
);
create index deliveries_pending on deliveries (workspace_id, next_try_at) where state = 'pending';
create index deliveries_by_project on deliveries (project_id, created_at desc, id desc);
create index deliveries_by_channel on deliveries (project_id, channel_id, created_at) where channel_id is not null;
create index deliveries_by_age on deliveries (created_at);

-- Each try, written down before it is made: one without an end was cut off, and nobody knows what became of it.
create table attempts (
    workspace_id bigint not null,
    delivery_id uuid not null,
    number integer not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('sent', 'failed', 'refused')),
    error text check (length(error) <= 500),
    primary key (workspace_id, delivery_id, number),
    foreign key (workspace_id, delivery_id) references deliveries (workspace_id, id) on delete cascade
);

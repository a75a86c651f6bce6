-- Limits, and the accounts of what became of events.

-- Null: the deployment's default (EVENTS_PER_MONTH_MAX), which is without limit unless it says otherwise.
alter table workspaces add column events_per_month_max bigint check (events_per_month_max >= 0);

alter table projects
    add column events_per_minute_max integer not null default 60000 check (events_per_minute_max > 0),
    -- Fingerprints never seen before that may make an incident within one minute; what comes beyond joins one of its own.
    add column fingerprints_per_minute_max integer not null default 300 check (fingerprints_per_minute_max > 0),
    -- So many payloads of a fingerprint are kept each day whatever comes; of the rest fewer and fewer.
    add column payloads_per_day integer not null default 1000 check (payloads_per_day > 0),
    -- An hour with more than so many times the events of the project's usual hour is a spike. Null: no hour is.
    add column spike_factor integer default 10 check (spike_factor between 2 and 1000);

-- Stored and counted, but its payload was not kept: of a flood only samples are.
alter table events add column sampled boolean not null default false;

-- How many events of the day were counted and how many payloads kept, and when the last one was.
alter table incident_fingerprints
    add column people_count bigint not null default 0,
    add column counted_on date,
    add column counted_today integer not null default 0,
    add column kept_today integer not null default 0,
    add column kept_at timestamptz;
alter table incidents add column people_count bigint not null default 0;

-- Who met what: a person once for each fingerprint. By person first, so that erasure finds all of a person's at once.
create table incident_people (
    project_id bigint not null references projects on delete cascade,
    user_hash bytea not null,
    fingerprint uuid not null,
    primary key (project_id, user_hash, fingerprint)
);
create index incident_people_by_fingerprint on incident_people (project_id, fingerprint, user_hash);

-- How many new fingerprints a project has had in the minute named; one row a project.
create table fingerprint_minutes (
    project_id bigint not null references projects on delete cascade primary key,
    minute timestamptz not null,
    made integer not null
) with (fillfactor = 50);

-- The month's exact account of a project, kept when its payloads, its events and the project itself are gone: a deleted project
-- has used its workspace's quota all the same. Several rows (shard), so that concurrent batches need not wait for one another:
-- the account is their sum.
create table usage (
    workspace_id bigint not null references workspaces on delete cascade,
    month date not null check (extract(day from month) = 1),
    project_id bigint not null,
    shard smallint not null,
    event_count bigint not null default 0,
    -- As stored: compressed.
    payload_bytes bigint not null default 0,
    analysis_count bigint not null default 0,
    mail_count bigint not null default 0,
    primary key (workspace_id, month, project_id, shard)
) with (fillfactor = 50);

-- What became of events, by the hour in which they came. key_id 0: a key that is not known here. Sharded like usage.
create table outcomes (
    project_id bigint not null references projects on delete cascade,
    hour timestamptz not null,
    key_id bigint not null,
    outcome text not null check (outcome in ('accepted', 'duplicate', 'sampled', 'rate_limited', 'over_quota', 'invalid',
                                             'filtered', 'too_large', 'sdk_dropped', 'failed')),
    reason text not null check (length(reason) <= 40),
    shard smallint not null,
    event_count bigint not null,
    primary key (project_id, hour, key_id, outcome, reason, shard)
) with (fillfactor = 50);

-- Some of the newest events that were not stored, and why; bounded for each project.
create table outcome_samples (
    project_id bigint not null references projects on delete cascade,
    id bigint generated always as identity,
    at timestamptz not null,
    key_id bigint not null,
    outcome text not null,
    reason text not null check (length(reason) <= 40),
    detail text check (length(detail) <= 300),
    event_count bigint not null,
    primary key (project_id, id)
);

-- A project's hours: how many events are a spike (null: it has no usual hour yet), and since when it has been one.
create table project_hours (
    project_id bigint not null references projects on delete cascade,
    hour timestamptz not null,
    spike_events bigint,
    protected_at timestamptz,
    primary key (project_id, hour)
);

-- What a workspace's admins are to be told once, written with what happened: whoever delivers it sets handled_at.
create table notices (
    workspace_id bigint not null references workspaces on delete cascade,
    id bigint generated always as identity,
    project_id bigint,
    kind text not null check (kind ~ '^[a-z_]{1,40}$'),
    detail jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    handled_at timestamptz,
    primary key (workspace_id, id),
    foreign key (workspace_id, project_id) references projects (workspace_id, id) on delete cascade
);
create index notices_unhandled on notices (created_at) where handled_at is null;

-- Rows that many batches write at once are spread by the server process that writes.
create function shard() returns smallint language sql stable as $$ select (pg_backend_pid() % 16)::smallint $$;

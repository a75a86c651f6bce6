-- Tenants, people, keys, events and incidents. PostgreSQL 15 or newer, core only (Neon, and any other).
-- Every tenant table's key starts with workspace_id or project_id and foreign keys are composite, so that a row of one
-- tenant can never point at another's.

create table workspaces (
    id bigint generated always as identity primary key,
    slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text not null check (length(name) between 1 and 120),
    -- 244 random bits; people are counted by HMACs under this key, never by plain hashes, which can be reversed.
    person_hash_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    created_at timestamptz not null default now()
);

create table people (
    id bigint generated always as identity primary key,
    clerk_user_id text not null unique check (length(clerk_user_id) between 1 and 200),
    email text check (length(email) <= 320),
    name text check (length(name) <= 200),
    created_at timestamptz not null default now()
);

create table members (
    workspace_id bigint not null references workspaces on delete cascade,
    person_id bigint not null references people on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz not null default now(),
    primary key (workspace_id, person_id)
);
create index members_by_person on members (person_id);

create table projects (
    id bigint generated always as identity primary key,
    workspace_id bigint not null references workspaces on delete cascade,
    slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text not null check (length(name) between 1 and 120),
    retention_days integer not null default 90 check (retention_days between 1 and 3650),
    created_at timestamptz not null default now(),
    unique (workspace_id, id),
    unique (workspace_id, slug)
);

create table keys (
    project_id bigint not null references projects on delete cascade,
    id bigint generated always as identity,
    kind text not null check (kind in ('ingest', 'api')),
    name text not null check (length(name) between 1 and 80),
    prefix text not null check (length(prefix) <= 24),
    key_hash bytea not null unique check (length(key_hash) = 32),
    rate_per_minute integer not null default 30000 check (rate_per_minute > 0),
    allowed_origins text[] not null default '{}',
    created_by bigint references people on delete set null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (project_id, id)
);

-- Releases in the order in which the project first saw them; release_key sorts as SemVer where the name parses.
create table releases (
    project_id bigint not null references projects on delete cascade,
    release text not null check (length(release) between 1 and 200),
    release_key text collate "C",
    first_seen timestamptz not null,
    primary key (project_id, release)
);

create sequence incident_ids as bigint;

create table incidents (
    project_id bigint not null references projects on delete cascade,
    id bigint not null default nextval('incident_ids'),
    status text not null default 'open' check (status in ('open', 'resolved', 'ignored')),
    level text not null,
    kind text,
    title text not null,
    culprit text,
    platform text not null,
    event_count bigint not null default 0 check (event_count >= 0),
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    -- The releases of its first and its last event among those that name one, and when these occurred.
    first_release text,
    first_release_seen timestamptz,
    last_release text,
    last_release_seen timestamptz,
    environments text[] not null default '{}',
    status_changed_at timestamptz,
    -- "resolved": an event of this release or a newer one reopens it; "in the next release": only a newer one does.
    resolved_release text,
    resolved_in_next_release boolean not null default false,
    ignored_until timestamptz,
    ignored_until_count bigint,
    regressed_at timestamptz,
    escalated_at timestamptz,
    -- A merged incident stays as a row without events, so that links to it lead on and a split can bring it back.
    merged_into bigint,
    primary key (project_id, id),
    foreign key (project_id, merged_into) references incidents (project_id, id) on delete cascade
) with (fillfactor = 80);
create index incidents_merged on incidents (project_id, merged_into) where merged_into is not null;
create index incidents_by_last_seen on incidents (project_id, last_seen desc, id desc);
create index incidents_by_first_seen on incidents (project_id, first_seen desc, id desc);

-- Many fingerprints lead to one incident: a merge points a fingerprint at another incident, a split points it back.
-- Each keeps all of what adds up to an incident for itself, so that both directions are exact.
create table incident_fingerprints (
    project_id bigint not null,
    fingerprint uuid not null,
    incident_id bigint not null,
    version smallint not null,
    rule text not null,
    reason text not null,
    parts jsonb not null,
    event_count bigint not null default 0,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    environments text[] not null default '{}',
    -- The releases of its first and its last event among those that name one, and when these occurred.
    first_release text,
    first_release_seen timestamptz,
    last_release text,
    last_release_seen timestamptz,
    -- The incident that a split takes it back to; null: the one it leads to.
    home_incident_id bigint,
    -- The last merge or split that moved it.
    moved_from bigint,
    moved_at timestamptz,
    moved_by bigint references people on delete set null,
    -- The fingerprint of an earlier version of the algorithm by which it found its incident.
    previous_fingerprint uuid,
    primary key (project_id, fingerprint),
    -- Deferred: the row that wins the race for a new fingerprint decides the incident, which is inserted after it.
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
        deferrable initially deferred
) with (fillfactor = 80);
create index incident_fingerprints_by_incident on incident_fingerprints (project_id, incident_id);
create index incident_fingerprints_moved_by on incident_fingerprints (moved_by) where moved_by is not null;

create table event_counts (
    project_id bigint not null,
    fingerprint uuid not null,
    hour timestamptz not null,
    environment text not null,
    release text not null,
    event_count bigint not null,
    primary key (project_id, fingerprint, hour, environment, release),
    foreign key (project_id) references projects on delete cascade
) with (fillfactor = 80);
create index event_counts_by_release on event_counts (project_id, release, fingerprint);

-- The one place that says whether an event is known: (project, event_id) is stored once, across day partitions.
create table event_ids (
    project_id bigint not null,
    event_id uuid not null,
    received_at timestamptz not null,
    fingerprint uuid not null,
    primary key (project_id, event_id)
);

-- The light row, by day received. No foreign key points at or from a partitioned table: pruning is DROP.
create table events (
    project_id bigint not null,
    fingerprint uuid not null,
    received_at timestamptz not null,
    event_id uuid not null,
    occurred_at timestamptz not null,
    expires_on date not null,
    level text not null,
    release text,
    environment text,
    service text,
    route text,
    user_hash bytea,
    removed_count integer not null default 0,
    primary key (project_id, fingerprint, received_at, event_id)
) partition by range (received_at);

-- The redacted payload, by the day it expires; zstd under the dictionary of that version.
create table event_payloads (
    project_id bigint not null,
    received_at timestamptz not null,
    event_id uuid not null,
    expires_on date not null,
    dictionary smallint not null,
    payload bytea not null,
    primary key (project_id, received_at, event_id, expires_on)
) partition by range (expires_on);
alter table event_payloads alter column payload set storage external;

-- What changed about an incident, written with the change itself: alerts and analyses read it, so a crash loses none.
create table transitions (
    project_id bigint not null,
    id bigint generated always as identity,
    incident_id bigint not null,
    kind text not null check (kind in ('new', 'regressed', 'escalated')),
    event_id uuid,
    release text,
    environment text,
    created_at timestamptz not null,
    handled_at timestamptz,
    primary key (project_id, id),
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
create index transitions_unhandled on transitions (created_at) where handled_at is null;

-- When a scheduled job last began and ended, for health.
create table cron_runs (
    job text primary key,
    started_at timestamptz not null,
    finished_at timestamptz
);

-- The day after which a payload is gone. Beyond 100 days it is rounded up, never down, to the first of a month, so that
-- long retentions need twelve partitions a year and not 365. All partitions of event_payloads hold exactly one date.
create function expires_on(received_at timestamptz, retention_days integer) returns date
language sql immutable parallel safe as $$
    -- One expression without a FROM, so that PostgreSQL inlines it: it is asked for every event.
    select case when $2 <= 100 then ($1 at time zone 'UTC')::date + $2
                else (date_trunc('month', (($1 at time zone 'UTC')::date + $2 - 1)::timestamp) + interval '1 month')::date end
$$;

-- Make the partitions that a span of days received and a list of days expiring need; returns how many were missing.
-- Idempotent; concurrent calls wait for each other.
create function make_partitions(received_from date, received_to date, expiring date[]) returns integer
language plpgsql as $$
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

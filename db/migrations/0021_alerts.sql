-- Who is told of what: rules, what they found, and what was told of it.

create table alert_rules (
    project_id bigint not null references projects on delete cascade,
    id bigint generated always as identity,
    name text not null check (length(name) between 1 and 80),
    -- Their forms stand in lib/alerts/rules.py.
    conditions jsonb not null,
    filters jsonb not null default '{}',
    quiet_hours jsonb,
    enabled boolean not null default true,
    muted_until timestamptz,
    created_by bigint references people on delete set null,
    created_at timestamptz not null default now(),
    primary key (project_id, id)
);

create table alert_rule_channels (
    project_id bigint not null,
    rule_id bigint not null,
    channel_id bigint not null,
    primary key (project_id, rule_id, channel_id),
    foreign key (project_id, rule_id) references alert_rules (project_id, id) on delete cascade,
    foreign key (project_id, channel_id) references channels (project_id, id) on delete cascade
);
create index alert_rule_channels_by_channel on alert_rule_channels (project_id, channel_id);

-- What a rule found, to be told over a channel: at once, or in a digest.
create table alerts (
    project_id bigint not null,
    id bigint generated always as identity,
    channel_id bigint not null,
    rule_id bigint not null,
    incident_id bigint not null,
    transition_id bigint,
    kind text not null check (kind in ('new', 'regressed', 'escalated', 'frequency', 'milestone')),
    reason text not null check (length(reason) <= 200),
    event_id uuid,
    environment text,
    release text,
    created_at timestamptz not null,
    -- When it may be told: later than it was found within quiet hours.
    due_at timestamptz not null,
    told_at timestamptz,
    primary key (project_id, id),
    -- However many rules find a transition, a channel is told of it once.
    unique (project_id, channel_id, transition_id),
    foreign key (project_id, channel_id) references channels (project_id, id) on delete cascade,
    foreign key (project_id, rule_id) references alert_rules (project_id, id) on delete cascade,
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
create index alerts_waiting on alerts (due_at) where told_at is null;
create index alerts_by_channel on alerts (project_id, channel_id, due_at) where told_at is null;
create index alerts_by_rule on alerts (project_id, rule_id);
create index alerts_by_incident on alerts (project_id, incident_id);
create index alerts_by_age on alerts (created_at);

-- What of an incident a rule has told already: a threshold (people, milestone), or when (frequency).
create table alert_states (
    project_id bigint not null,
    rule_id bigint not null,
    incident_id bigint not null,
    condition text not null check (condition in ('frequency', 'unusual', 'people', 'milestones')),
    value bigint not null,
    at timestamptz not null,
    primary key (project_id, rule_id, incident_id, condition),
    foreign key (project_id, rule_id) references alert_rules (project_id, id) on delete cascade,
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
create index alert_states_by_incident on alert_states (project_id, incident_id);

-- When a project was last looked at for what no single event decides: frequencies, people, milestones.
create table alert_watches (
    project_id bigint primary key references projects on delete cascade,
    checked_at timestamptz not null default now()
);
create index alert_watches_by_check on alert_watches (checked_at);

-- Who gets a channel's mails, and the token of the link by which they end them. It ends mails and nothing else: not hashed, since
-- each mail needs it again.
create table recipients (
    project_id bigint not null,
    channel_id bigint not null,
    address text not null check (length(address) <= 320),
    token text not null unique check (length(token) >= 32),
    unsubscribed_at timestamptz,
    primary key (project_id, channel_id, address),
    foreign key (project_id, channel_id) references channels (project_id, id) on delete cascade
);

-- Addresses of nobody who is a member: mail goes there once somebody there has said yes.
create table addresses (
    workspace_id bigint not null references workspaces on delete cascade,
    address text not null check (length(address) <= 320),
    token_hash bytea unique check (length(token_hash) = 32),
    token_expires_at timestamptz,
    asked_at timestamptz not null,
    asked_by bigint references people on delete set null,
    confirmed_at timestamptz,
    primary key (workspace_id, address)
);

-- What a delivery is about, for lists.
alter table deliveries add column incident_ids bigint[] not null default '{}';

-- What every project begins with: its new and regressed errors in production go to the owners by mail.
create function make_default_alerts(project bigint) returns void
language sql as $$
    with rule as (
        insert into alert_rules (project_id, name, conditions, filters)
        values (project, 'New and regressed errors in production', '{"transitions": ["new", "regressed"]}',
                '{"environments": ["production"], "levels": ["error", "fatal"]}')
        returning id
    ), channel as (
        insert into channels (project_id, kind, name) values (project, 'email', 'Owners') returning id
    ), watch as (
        insert into alert_watches (project_id) values (project)
    )
    insert into alert_rule_channels (project_id, rule_id, channel_id) select project, rule.id, channel.id from rule, channel
$$;

create function make_alerts_of_project() returns trigger
language plpgsql as $$
begin
    perform make_default_alerts(new.id);
    return null;
end
$$;
-- By the database, whoever makes the project: none is without.
create trigger projects_have_alerts after insert on projects for each row execute function make_alerts_of_project();
select make_default_alerts(id) from projects;
-- What happened before there were rules is no news.
update transitions set handled_at = clock_timestamp() where handled_at is null;

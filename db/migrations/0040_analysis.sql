-- Analyses: what a model made of an incident, which of them are still to be made, and what they cost.

-- Alerts have handled_at; this one says that a transition was considered for analysis. Each is considered once.
alter table transitions add column considered_at timestamptz;
create index transitions_unconsidered on transitions (created_at) where considered_at is null;

-- What a project decides about analysis. Absent: the defaults of lib/analysis/options.py.
create table analysis_options (
    project_id bigint primary key references projects on delete cascade,
    version integer not null check (version > 0),
    enabled boolean not null,
    -- Empty: every environment.
    environments text[] not null check (cardinality(environments) <= 20),
    events_min integer not null check (events_min between 1 and 1000000),
    interval_minutes integer not null check (interval_minutes between 1 and 43200),
    hourly_max integer not null check (hourly_max between 1 and 1000),
    -- Of a month; null: only the workspace's own limit.
    budget_microdollars bigint check (budget_microdollars >= 0),
    updated_at timestamptz not null default now(),
    updated_by bigint references people on delete set null
);

-- What the policy compares an incident with: how it was when it was last explained (null: it never was).
create table analysis_watch (
    project_id bigint not null,
    incident_id bigint not null,
    checked_at timestamptz not null,
    explained_at timestamptz,
    event_count bigint,
    stacks integer,
    release text,
    primary key (project_id, incident_id),
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
create index analysis_watch_by_check on analysis_watch (checked_at);

create table analyses (
    project_id bigint not null,
    id bigint generated always as identity,
    incident_id bigint not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'skipped')),
    cause text not null check (cause in ('new', 'regressed', 'release', 'escalated', 'stacks', 'growth', 'person')),
    -- The event that the change came with.
    event_id uuid,
    requested_by bigint references people on delete set null,
    created_at timestamptz not null,
    -- Waiting: when it may start. Running: when its lease ends, and anybody may take it over.
    due_at timestamptz not null,
    -- Counts the takers; what any but the latest of them writes is refused.
    fence integer not null default 0,
    attempts integer not null default 0,
    called_at timestamptz,
    finished_at timestamptz,
    -- A word: why it failed or was skipped.
    reason text,
    -- Set aside before a call; what the call cost replaces it. Money of a taker that died counts as spent.
    reserved_microdollars bigint not null default 0 check (reserved_microdollars >= 0),
    reserved_month date,
    cost_microdollars bigint not null default 0 check (cost_microdollars >= 0),
    input_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    latency_ms integer,
    model text,
    prompt_version integer,
    -- SHA-256 of what was asked about: the same is not asked twice.
    context_hash bytea check (length(context_hash) = 32),
    -- The incident as it was then.
    event_count bigint,
    release text,
    result jsonb,
    confidence real check (confidence between 0 and 1),
    helpful boolean,
    rated_by bigint references people on delete set null,
    rated_at timestamptz,
    correction text check (length(correction) <= 4000),
    corrected_by bigint references people on delete set null,
    corrected_at timestamptz,
    primary key (project_id, id),
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade
);
-- An incident has one analysis ahead at a time, whoever asked for it.
create unique index analyses_ahead on analyses (project_id, incident_id) where state in ('waiting', 'running');
create index analyses_due on analyses (due_at) where state in ('waiting', 'running');
create index analyses_by_incident on analyses (project_id, incident_id, id desc);
create index analyses_called on analyses (project_id, called_at) where called_at is not null;

-- What each workspace spent, by project and month (UTC): numbers only, and not gone with a project, which would give money back.
create table analysis_spending (
    workspace_id bigint not null references workspaces on delete cascade,
    month date not null,
    -- The project's id. Not called so: what is called project_id goes with the project.
    spender bigint not null,
    reserved_microdollars bigint not null default 0 check (reserved_microdollars >= 0),
    spent_microdollars bigint not null default 0 check (spent_microdollars >= 0),
    primary key (workspace_id, month, spender)
);

-- What the deployment spent. Whoever reserves locks the month's row first, so that sums below it stand still meanwhile.
create table analysis_months (
    month date primary key,
    reserved_microdollars bigint not null default 0 check (reserved_microdollars >= 0),
    spent_microdollars bigint not null default 0 check (spent_microdollars >= 0)
);

-- How the provider has been lately, for all instances alike: after some failures in a row it is left alone for a while.
create table analysis_provider (
    singleton boolean primary key default true check (singleton),
    failures integer not null default 0,
    paused_until timestamptz,
    last_failure text
);
insert into analysis_provider default values;

-- Set money aside for one call. Answers null where that was done, otherwise what stands against it: `stale` (somebody else
-- holds the analysis), `pace` (hourly_max analyses of the project began within the hour; people's own requests are not held
-- back), `busy` (there would be room if calls under way turn out cheaper), or the limit that is reached: `project`,
-- `workspace`, `deployment`.
create function reserve_analysis(
    project bigint, analysis bigint, held_fence integer, at timestamptz, amount bigint, hourly_max integer,
    project_max bigint, workspace_max bigint, deployment_max bigint
) returns text
language plpgsql as $$
declare
    this_month date := date_trunc('month', at at time zone 'UTC')::date;
    workspace bigint;
    asker text;
    scope record;
begin
    select a.cause, p.workspace_id into asker, workspace
      from analyses a join projects p on p.id = a.project_id
     where a.project_id = project and a.id = analysis and a.fence = held_fence and a.state = 'running'
       and a.reserved_microdollars = 0
       for no key update of a;
    if not found then
        return 'stale';
    end if;
    insert into analysis_months (month) values (this_month) on conflict do nothing;
    perform from analysis_months m where m.month = this_month for update;
    if asker <> 'person' and hourly_max <= (
        select count(*) from analyses a
         where a.project_id = project and a.called_at > at - interval '1 hour' and a.id <> analysis) then
        return 'pace';
    end if;
    for scope in
        select 'deployment' as name, m.reserved_microdollars as reserved, m.spent_microdollars as spent, deployment_max as most
          from analysis_months m where m.month = this_month
         union all
        select 'workspace', coalesce(sum(s.reserved_microdollars), 0), coalesce(sum(s.spent_microdollars), 0), workspace_max
          from analysis_spending s where s.workspace_id = workspace and s.month = this_month
         union all
        select 'project', coalesce(sum(s.reserved_microdollars), 0), coalesce(sum(s.spent_microdollars), 0), project_max
          from analysis_spending s where s.workspace_id = workspace and s.month = this_month and s.spender = project
    loop
        -- A project without a limit of its own has null: never reached.
        if scope.spent + amount > scope.most then
            return scope.name;
        elsif scope.spent + scope.reserved + amount > scope.most then
            return 'busy';
        end if;
    end loop;
    update analysis_months m set reserved_microdollars = m.reserved_microdollars + amount where m.month = this_month;
    insert into analysis_spending as s (workspace_id, month, spender, reserved_microdollars)
    values (workspace, this_month, project, amount)
    on conflict (workspace_id, month, spender)
    do update set reserved_microdollars = s.reserved_microdollars + excluded.reserved_microdollars;
    update analyses a set reserved_microdollars = amount, reserved_month = this_month, called_at = at
     where a.project_id = project and a.id = analysis;
    return null;
end
$$;

-- Put what a call cost in the place of what was set aside for it. False, and nothing changed, where somebody else holds the
-- analysis by now (and has counted the whole reservation as spent), or nothing was set aside.
create function settle_analysis(
    project bigint, analysis bigint, held_fence integer, cost bigint, input bigint, cached bigint, output bigint
) returns boolean
language plpgsql as $$
declare
    was analyses;
    workspace bigint;
begin
    select a.* into was from analyses a
     where a.project_id = project and a.id = analysis and a.fence = held_fence and a.reserved_microdollars > 0
       for no key update;
    if not found then
        return false;
    end if;
    select p.workspace_id into workspace from projects p where p.id = project;
    update analysis_months m
       set reserved_microdollars = m.reserved_microdollars - was.reserved_microdollars,
           spent_microdollars = m.spent_microdollars + cost
     where m.month = was.reserved_month;
    update analysis_spending s
       set reserved_microdollars = s.reserved_microdollars - was.reserved_microdollars,
           spent_microdollars = s.spent_microdollars + cost
     where s.workspace_id = workspace and s.month = was.reserved_month and s.spender = project;
    update analyses a
       set reserved_microdollars = 0, reserved_month = null, cost_microdollars = a.cost_microdollars + cost,
           input_tokens = a.input_tokens + input, cached_tokens = a.cached_tokens + cached,
           output_tokens = a.output_tokens + output
     where a.project_id = project and a.id = analysis;
    return true;
end
$$;

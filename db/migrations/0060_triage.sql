-- Who looks after an incident. Who leaves Sensra looks after nothing.
alter table incidents add column assignee_id bigint references people (id) on delete set null;
create index incidents_by_assignee on incidents (assignee_id) where assignee_id is not null;

-- Searches that a project's members keep under a name.
create table saved_views (
    project_id bigint not null references projects (id) on delete cascade,
    id bigint generated always as identity,
    name text not null check (length(name) between 1 and 80),
    query text not null check (length(query) <= 1000),
    sort text not null check (sort in ('last_seen', 'first_seen', 'event_count')),
    created_by bigint references people (id) on delete set null,
    created_at timestamptz not null default now(),
    primary key (project_id, id),
    unique (project_id, name)
);
create index saved_views_created_by on saved_views (created_by) where created_by is not null;

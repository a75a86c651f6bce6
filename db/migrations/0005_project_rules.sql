-- What a project decides itself: how its events are grouped and what is removed from them. Absent: only the built-in rules.
create table project_rules (
    project_id bigint not null references projects on delete cascade,
    kind text not null check (kind in ('grouping', 'redaction')),
    -- Counts changes, so that nobody overwrites what they have not seen.
    version integer not null check (version > 0),
    rules jsonb not null,
    updated_at timestamptz not null default now(),
    updated_by bigint references people on delete set null,
    primary key (project_id, kind)
);

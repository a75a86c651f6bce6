-- Slugs stand in addresses that people keep: one that was ever a workspace's (or, within a workspace, a project's) stays its own,
-- so that an old address leads on after a renaming and never to somebody else.
create table workspace_slugs (
    slug text primary key,
    workspace_id bigint not null references workspaces on delete cascade,
    created_at timestamptz not null default now()
);
create index workspace_slugs_by_workspace on workspace_slugs (workspace_id);

create table project_slugs (
    workspace_id bigint not null,
    slug text not null,
    project_id bigint not null,
    created_at timestamptz not null default now(),
    primary key (workspace_id, slug),
    foreign key (workspace_id, project_id) references projects (workspace_id, id) on delete cascade
);
create index project_slugs_by_project on project_slugs (workspace_id, project_id);

insert into workspace_slugs (slug, workspace_id) select slug, id from workspaces;
insert into project_slugs (workspace_id, slug, project_id) select workspace_id, slug, id from projects;

create function keep_workspace_slug() returns trigger
language plpgsql as $$
begin
    insert into workspace_slugs (slug, workspace_id) values (new.slug, new.id) on conflict (slug) do nothing;
    if not exists (select from workspace_slugs s where s.slug = new.slug and s.workspace_id = new.id) then
        raise unique_violation using constraint = 'workspace_slugs_pkey', table = 'workspace_slugs';
    end if;
    return null;
end
$$;
create trigger workspace_slug_stays after insert or update of slug on workspaces
    for each row execute function keep_workspace_slug();

create function keep_project_slug() returns trigger
language plpgsql as $$
begin
    insert into project_slugs (workspace_id, slug, project_id) values (new.workspace_id, new.slug, new.id)
    on conflict (workspace_id, slug) do nothing;
    if not exists (select from project_slugs s
                    where s.workspace_id = new.workspace_id and s.slug = new.slug and s.project_id = new.id) then
        raise unique_violation using constraint = 'project_slugs_pkey', table = 'project_slugs';
    end if;
    return null;
end
$$;
create trigger project_slug_stays after insert or update of slug on projects
    for each row execute function keep_project_slug();

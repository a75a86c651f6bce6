-- Deleting a project or workspace for good, seven days after it was deleted: whatever table, of this version or a later one, names
-- it. Not by one cascade, which would hold its locks for as long as there are rows.

-- Delete rows whose column (project_id or workspace_id) is this id, at most max_rows of each table; answers how many. 0: there are
-- none left. A row that others still point at waits for the next call, in which they are gone. Of a project the trail is left alone,
-- which tells that there was a deletion, and usage, which is the workspace's account and holds numbers only.
create function purge_rows(owner text, id bigint, max_rows integer) returns bigint
language plpgsql
set lock_timeout = '2s'
set "sensra.audit_erasure" = 'on'
as $$
declare
    holding regclass;
    gone bigint;
    total bigint := 0;
begin
    for holding in
        select c.oid::regclass
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attname = owner and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and c.relname <> 'projects' and not (owner = 'project_id' and c.relname in ('audit_log', 'usage'))
         order by c.oid desc -- what was made later points at what was made before
    loop
        begin
            execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = $1 limit $2))',
                           holding, owner) using id, max_rows;
            get diagnostics gone = row_count;
            total := total + gone;
        exception when foreign_key_violation then
            total := total + 1;
        end;
        -- So many that another table would make the step long.
        exit when total >= max_rows;
    end loop;
    return total;
end
$$;

-- What the trail of a deleted project quotes goes; who did what and when stays. Answers how many entries were changed.
create function purge_trail(project bigint, max_rows integer) returns integer
language plpgsql
set "sensra.audit_erasure" = 'on'
as $$
declare
    changed integer;
begin
    update audit_log a set before = null, after = null, address = null
      from (select o.workspace_id, o.id from audit_log o
             where o.workspace_id = (select p.workspace_id from projects p where p.id = project) and o.project_id = project
               and (o.before is not null or o.after is not null or o.address is not null)
             limit max_rows) o
     where a.workspace_id = o.workspace_id and a.id = o.id;
    get diagnostics changed = row_count;
    return changed;
end
$$;

-- The end of a deleted project: its row, unless it has been brought back meanwhile or something came to it. Answers whether.
create function purge_project(project bigint) returns boolean
language plpgsql
set lock_timeout = '2s'
as $$
declare
    workspace bigint;
begin
    delete from projects p where p.id = project and p.deleted_at < now() - interval '7 days'
    returning p.workspace_id into workspace;
    if workspace is not null then
        insert into audit_log (workspace_id, project_id, actor_kind, action, object_id)
        values (workspace, project, 'cron', 'project.purge', project::text);
    end if;
    return workspace is not null;
end
$$;

-- The same of a workspace without projects, with its trail, usage and memberships.
create function purge_workspace(workspace bigint) returns boolean
language plpgsql
set lock_timeout = '2s'
set "sensra.audit_erasure" = 'on'
as $$
begin
    delete from workspaces w
     where w.id = workspace and w.deleted_at < now() - interval '7 days'
       and not exists (select from projects p where p.workspace_id = w.id);
    return found;
end
$$;

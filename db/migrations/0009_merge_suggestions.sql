-- What a person said is not the same bug: it is not suggested again. A pair stands once, its lower id first.
create table dismissed_suggestions (
    project_id bigint not null,
    incident_id bigint not null,
    other_id bigint not null check (other_id > incident_id),
    dismissed_at timestamptz not null default clock_timestamp(),
    dismissed_by bigint references people on delete set null,
    primary key (project_id, incident_id, other_id),
    foreign key (project_id, incident_id) references incidents (project_id, id) on delete cascade,
    foreign key (project_id, other_id) references incidents (project_id, id) on delete cascade
);
create index dismissed_suggestions_by_other on dismissed_suggestions (project_id, other_id);
create index dismissed_suggestions_by_person on dismissed_suggestions (dismissed_by) where dismissed_by is not null;

-- Take the locks of a merge, in their order (0004): what is read of these incidents afterwards is true until the transaction ends.
create function lock_incidents(project bigint, incidents bigint[]) returns void
language plpgsql as $$
begin
    perform from projects p where p.id = project for no key update;
    perform lock_fingerprints(project, incidents);
    perform from incidents i where i.project_id = project and i.id = any (incidents) order by i.id for no key update;
end
$$;

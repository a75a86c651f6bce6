-- A hold stays with what it held, and invitations to an address are found without a walk through everybody's.

-- Fingerprints that were in a held incident, or came to one, while it was held: they stay held wherever they are moved then.
create table held_fingerprints (
    project_id bigint not null,
    hold_id bigint not null,
    fingerprint uuid not null,
    primary key (project_id, hold_id, fingerprint),
    foreign key (project_id, hold_id) references legal_holds (project_id, id) on delete cascade,
    foreign key (project_id, fingerprint) references incident_fingerprints (project_id, fingerprint) on delete cascade
);
create index held_fingerprints_by_fingerprint on held_fingerprints (project_id, fingerprint);

-- As until now, for holds that last already.
insert into held_fingerprints (project_id, hold_id, fingerprint)
select h.project_id, h.id, f.fingerprint
  from legal_holds h
  join incident_fingerprints f on f.project_id = h.project_id and h.incident_id in (f.incident_id, f.home_incident_id, f.moved_from)
 where h.ended_at is null;

-- A merge or a split moves a fingerprint; a newer version of one follows the older.
create function keep_hold() returns trigger
language plpgsql as $$
begin
    insert into held_fingerprints (project_id, hold_id, fingerprint)
    select h.project_id, h.id, new.fingerprint
      from legal_holds h
     where h.project_id = new.project_id and h.ended_at is null and h.incident_id is not null
       and (h.incident_id in (new.incident_id, new.home_incident_id, old.incident_id, old.home_incident_id)
            or exists (select from held_fingerprints s
                        where s.project_id = h.project_id and s.hold_id = h.id
                          and s.fingerprint in (new.fingerprint, new.previous_fingerprint)))
    on conflict do nothing;
    return null;
end
$$;
create trigger incident_fingerprints_moved after update of incident_id on incident_fingerprints
    for each row when (old.incident_id is distinct from new.incident_id) execute function keep_hold();
create trigger incident_fingerprints_followed after insert on incident_fingerprints
    for each row when (new.previous_fingerprint is not null) execute function keep_hold();

create or replace function is_held(project bigint, print uuid) returns boolean
language sql stable as $$
    select exists (
        select from legal_holds h
         where h.project_id = project and h.ended_at is null
           and (h.incident_id is null
                or exists (select from incident_fingerprints f
                            where f.project_id = project and f.fingerprint = print
                              and h.incident_id in (f.incident_id, f.home_incident_id))
                or exists (select from held_fingerprints s
                            where s.project_id = project and s.hold_id = h.id and s.fingerprint = print)))
$$;

-- Invitations to an address, whatever became of them.
drop index invitations_by_email;
create index invitations_by_address on invitations (lower(email));

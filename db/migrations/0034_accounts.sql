-- The deletion of an account takes what the trail holds of a person besides their number: by this index it finds it.
create index audit_log_by_person on audit_log (actor_id) where actor_kind = 'person';

create function forget_person_in_trail(person bigint) returns void
language sql
set "sensra.audit_erasure" = 'on'
as $$
    update audit_log set address = null where actor_kind = 'person' and actor_id = person and address is not null;
    update audit_refusals set address = null where actor_kind = 'person' and actor_id = person and address is not null;
$$;

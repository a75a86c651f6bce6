-- Whoever asks what is held about them is answered without a walk through everybody's messages and refusals.
create index deliveries_by_recipient on deliveries (lower(recipient)) where recipient is not null;
create index audit_refusals_by_person on audit_refusals (actor_id) where actor_kind = 'person';

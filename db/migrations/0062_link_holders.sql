-- What the holder of a link in a mail does is in the trail as that: it was neither a person who signed in nor Sensra itself.
alter table audit_log drop constraint audit_log_actor_kind_check;
alter table audit_log add constraint audit_log_actor_kind_check check (actor_kind in ('person', 'key', 'cron', 'link')) not valid;

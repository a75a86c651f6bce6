-- Apart from 0062, so that nobody waits for the trail while it is read through: this lock lets others read and write.
alter table audit_log validate constraint audit_log_actor_kind_check;

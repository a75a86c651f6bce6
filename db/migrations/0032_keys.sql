-- Rotation: the new key says which one it replaces; the old one goes on until its expiry.
alter table keys add column rotated_from bigint;
alter table keys add foreign key (project_id, rotated_from) references keys (project_id, id) on delete no action;
create index keys_rotated_from on keys (project_id, rotated_from) where rotated_from is not null;

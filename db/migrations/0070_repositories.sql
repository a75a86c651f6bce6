-- Where a project's code is on GitHub, as owner/name: an incident's new issue is written there.
alter table projects add column repository text check (repository ~ '^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$');

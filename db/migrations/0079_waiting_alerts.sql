-- What waits to be told: which rules stand behind it, and what became of it where it was not told.

-- A rule that found something, and when it would tell of it. An alert is due with the earliest of them, and stands as long as any
-- of them does.
create table alert_findings (
    project_id bigint not null,
    alert_id bigint not null,
    rule_id bigint not null,
    due_at timestamptz not null,
    primary key (project_id, alert_id, rule_id),
    foreign key (project_id, alert_id) references alerts (project_id, id) on delete cascade,
    foreign key (project_id, rule_id) references alert_rules (project_id, id) on delete cascade
);
create index alert_findings_by_rule on alert_findings (project_id, rule_id);
insert into alert_findings select project_id, id, rule_id, due_at from alerts;

-- The rule that is written down with an alert stands behind it: so also for functions that know nothing of findings yet.
create function write_alert_finding() returns trigger
language plpgsql as $$
begin
    insert into alert_findings values (new.project_id, new.id, new.rule_id, new.due_at) on conflict do nothing;
    return null;
end
$$;
create trigger alerts_have_a_finding after insert on alerts for each row execute function write_alert_finding();

-- An alert outlives the rule that found it first.
alter table alerts alter column rule_id drop not null;
alter table alerts drop constraint alerts_project_id_rule_id_fkey;
alter table alerts add foreign key (project_id, rule_id) references alert_rules (project_id, id) on delete set null (rule_id);

alter table alerts
    add column dropped_at timestamptz,
    -- Why it is not told: see docs/alerts.md.
    add column dropped_for text check (dropped_for in ('channel_off', 'channel_muted', 'rule', 'ignored', 'resolved')),
    add check ((dropped_at is null) = (dropped_for is null));

drop index alerts_waiting, alerts_by_channel;
create index alerts_waiting on alerts (due_at) where told_at is null and dropped_at is null;
create index alerts_by_channel on alerts (project_id, channel_id, due_at) where told_at is null and dropped_at is null;
create index alerts_dropped on alerts (project_id, dropped_at) where dropped_at is not null;

-- As 0072 says, and bounded whatever a client sends: of a kind of error, values_max values of a tag and ten times as many tags in
-- all are known, however many come at once. A tag that was told today by whatever instance costs one look, and no lock.
create or replace function record_tags(projects bigint[], fingerprints uuid[], names bigint[], hashes bigint[], values_max integer,
                                       recorded bigint) returns void
language sql volatile set lock_timeout = '2s' as $$
    with given as materialized (
        select distinct w.project_id, w.fingerprint, w.name_hash, w.value_hash, k.seen_on
          from unnest($1, $2, $3, $4) as w (project_id, fingerprint, name_hash, value_hash)
          join incident_fingerprints f on f.project_id = w.project_id and f.fingerprint = w.fingerprint
          left join incident_tags k on k.project_id = w.project_id and k.fingerprint = w.fingerprint
                                   and k.name_hash = w.name_hash and k.value_hash = w.value_hash
         where k.seen_on is null or k.seen_on < today()
    ), of_kinds as materialized (
        select k.project_id, k.fingerprint,
               (select count(*) from (select from incident_tags t
                                       where t.project_id = k.project_id and t.fingerprint = k.fingerprint
                                       limit 10 * $5) known) as known
          from (select distinct project_id, fingerprint from given where seen_on is null) k
    ), of_names as materialized (
        select k.project_id, k.fingerprint, k.name_hash,
               (select count(*) from (select from incident_tags t
                                       where t.project_id = k.project_id and t.fingerprint = k.fingerprint
                                         and t.name_hash = k.name_hash
                                       limit $5) known) as known
          from (select distinct project_id, fingerprint, name_hash from given where seen_on is null) k
    ), numbered as (
        select g.project_id, g.fingerprint, g.name_hash, g.value_hash,
               n.known + row_number() over (partition by g.project_id, g.fingerprint, g.name_hash order by g.value_hash) as nth
          from given g
          join of_names n on n.project_id = g.project_id and n.fingerprint = g.fingerprint and n.name_hash = g.name_hash
         where g.seen_on is null
    ), fitting as (
        select n.project_id, n.fingerprint, n.name_hash, n.value_hash,
               k.known + row_number() over (partition by n.project_id, n.fingerprint order by n.name_hash, n.value_hash) as nth
          from numbered n
          join of_kinds k on k.project_id = n.project_id and k.fingerprint = n.fingerprint
         where n.nth <= $5
    ), wanted as (
        select project_id, fingerprint, name_hash, value_hash from fitting where nth <= 10 * $5
         union all
        select project_id, fingerprint, name_hash, value_hash from given where seen_on is not null
    )
    insert into incident_tags as t (project_id, fingerprint, name_hash, value_hash, seen_on)
    select project_id, fingerprint, name_hash, value_hash, today() from wanted order by 1, 2, 3, 4
    on conflict (project_id, fingerprint, name_hash, value_hash) do update
       set seen_on = excluded.seen_on
     where t.seen_on < excluded.seen_on
$$;

-- As 0072 says, but for what is held; in the order in which they are written, and nobody waits for who writes one.
create or replace function prune_tags(max_rows integer) returns integer
language plpgsql as $$
declare
    gone integer;
begin
    delete from incident_tags t
     using (select k.ctid
              from projects p
             cross join lateral (select k.ctid from incident_tags k
                                  where k.project_id = p.id and k.seen_on < today() - p.retention_days - 1
                                    and not is_held(k.project_id, k.fingerprint)
                                  order by k.project_id, k.fingerprint, k.name_hash, k.value_hash
                                  limit max_rows
                                    for update skip locked) k
             limit max_rows) old
     where t.ctid = old.ctid;
    get diagnostics gone = row_count;
    return gone;
end
$$;

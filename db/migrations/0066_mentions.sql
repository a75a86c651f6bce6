-- Erasing whoever is mentioned: the words are looked for by the functions (lib/mentions.py), which know escapes and other ways to
-- write an identifier; here is which texts are kept apart from events, and how one is replaced.

-- How to recognise the person in a text: a hash of the identifier, how long its words are, and what joins it to a longer one.
alter table erasures add column word_mark text;
alter table erasures add column word_lengths integer[];
alter table erasures add column joiners text;
update erasures set word_mark = mark, word_lengths = '{}', joiners = '';
alter table erasures alter column word_mark set not null;
alter table erasures alter column word_lengths set not null;
alter table erasures alter column joiners set not null;

-- A message that was frozen before somebody in it was erased; what became of earlier tries is told by the other side.
alter table deliveries add column erased_at timestamptz;

drop function erase_texts(bigint, regclass, text, tid, integer, text, bytea, bytea);
drop function erased_text(text, text, bytea, bytea);
drop function texts_about_events();

-- Texts that quote events, or those who act on them, by relation; incidents: the column that tells of which. Those that a later
-- migration adds are named here.
create function kept_texts() returns table (relation text, fields text[], incidents text)
language sql immutable as $$
    select * from (values
        ('incidents', array['title', 'culprit', 'environments', 'first_release', 'last_release', 'resolved_release'], 'id'),
        ('incident_fingerprints', array['reason', 'parts', 'environments', 'first_release', 'last_release'], 'incident_id'),
        ('transitions', array['environment', 'release'], 'incident_id'),
        ('alerts', array['reason', 'environment', 'release'], 'incident_id'),
        ('analyses', array['result', 'correction', 'reason', 'release'], 'incident_id'),
        ('analysis_watch', array['release'], 'incident_id'),
        ('deliveries', array['content', 'last_error'], 'incident_ids'),
        ('outcome_samples', array['detail'], null),
        ('releases', array['release'], null),
        ('saved_views', array['query'], null),
        ('audit_log', array['before', 'after'], null)) t (relation, fields, incidents)
$$;

-- The columns that, beside the project, make a row of a relation the one it is, and their types.
create function key_columns(relation regclass) returns table (name text, type text)
language sql stable as $$
    select a.attname, format_type(a.atttypid, a.atttypmod)
      from pg_index i
     cross join unnest(i.indkey::int2[]) with ordinality o (number, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = o.number
     where i.indrelid = relation and i.indisprimary and a.attname <> 'project_id'
     order by o.place
$$;

-- The next texts of a project in a relation, by key, at most max_rows rows; held: of an incident or project that is held.
create function list_kept_texts(project bigint, relation text, fields text[], incidents text, after text[], max_rows integer)
returns table (key text[], texts jsonb, held boolean)
language plpgsql stable as $$
declare
    names text;
    casts text;
    holding bigint[];
    of_held text := 'false';
begin
    select string_agg('t.' || quote_ident(k.name), ', '), string_agg(format('($2[%s])::%s', k.nth, k.type), ', ')
      into names, casts
      from key_columns(relation::regclass) with ordinality k (name, type, nth);
    if exists (select from legal_holds h where h.project_id = project and h.incident_id is null and h.ended_at is null) then
        of_held := 'true';
    elsif incidents is not null then
        select array_agg(h.incident_id) into holding from (
            select h.incident_id from legal_holds h where h.project_id = project and h.ended_at is null
             union
            select f.incident_id from incident_fingerprints f
             where f.project_id = project and is_held(project, f.fingerprint)
               and exists (select from legal_holds h where h.project_id = project and h.ended_at is null)) h;
        of_held := format(case when incidents = 'incident_ids' then 't.%I && $5' else 't.%I = any ($5)' end, incidents);
    end if;
    return query execute format(
        'select array[%1$s]::text[], (select jsonb_object_agg(f, to_jsonb(t) -> f) from unnest($3) f), coalesce(%2$s, false)
           from %3$I t
          where t.project_id = $1 and ($2 is null or (%4$s) > (%5$s))
          order by %4$s limit $4',
        (select string_agg(format('t.%I::text', k.name), ', ') from key_columns(relation::regclass) k),
        of_held, relation, names, casts)
      using project, after, fields, max_rows, coalesce(holding, '{}');
end
$$;

-- Replace texts of one row, unless they have changed since they were read; answers whether.
create function replace_kept_text(project bigint, relation text, key text[], was jsonb, wanted jsonb) returns boolean
language plpgsql
set lock_timeout = '2s'
set "sensra.audit_erasure" = 'on'
as $$
declare
    replaced integer;
begin
    execute format(
        'update %1$I t set %2$s from jsonb_populate_record(null::%1$I, $4) r
          where t.project_id = $1 and (%3$s) = (%4$s)
            and $3 = (select jsonb_object_agg(f, to_jsonb(t) -> f) from jsonb_object_keys($3) f)',
        relation, (select string_agg(format('%1$I = r.%1$I', f), ', ') from jsonb_object_keys(wanted) f),
        (select string_agg('t.' || quote_ident(k.name), ', ') from key_columns(relation::regclass) k),
        (select string_agg(format('($2[%s])::%s', k.nth, k.type), ', ')
           from key_columns(relation::regclass) with ordinality k (name, type, nth)))
      using project, key, was, wanted;
    get diagnostics replaced = row_count;
    return replaced = 1;
end
$$;

-- Hourly counts of one name go to another, of one fingerprint or of all but held ones; field: release or environment. Counts stay.
create function rename_counts(project bigint, print uuid, field text, was text, wanted text) returns void
language plpgsql
set lock_timeout = '2s'
as $$
begin
    execute format(
        'with locked as (
            select c.ctid from event_counts c
             where c.project_id = $1 and c.%1$I = $3 and ($2 is null or c.fingerprint = $2) and not is_held($1, c.fingerprint)
             order by c.project_id, c.fingerprint, c.hour, c.environment, c.release
               for update
        ), gone as (
            delete from event_counts c using locked l where c.ctid = l.ctid
            returning c.project_id, c.fingerprint, c.hour, c.environment, c.release, c.event_count
        )
        insert into event_counts as c (project_id, fingerprint, hour, environment, release, event_count)
        select project_id, fingerprint, hour, %2$s, event_count from gone
        on conflict (project_id, fingerprint, hour, environment, release)
        do update set event_count = c.event_count + excluded.event_count',
        field, case field when 'release' then 'environment, $4' else '$4, release' end)
      using project, print, was, wanted;
end
$$;

-- A release has another name from now on, with its counts.
create function rename_release(project bigint, was text, wanted text) returns void
language sql as $$
    select rename_counts(project, null, 'release', was, wanted);
    insert into releases (project_id, release, first_seen)
    select r.project_id, wanted, r.first_seen from releases r where r.project_id = project and r.release = was
    on conflict (project_id, release) do nothing;
    delete from releases r where r.project_id = project and r.release = was;
$$;

-- What is held of a project: all of it, or these fingerprints.
create function held_of(project bigint) returns table (whole boolean, fingerprints uuid[])
language sql stable as $$
    select exists (select from legal_holds h where h.project_id = project and h.incident_id is null and h.ended_at is null),
           array(select f.fingerprint from incident_fingerprints f
                  where f.project_id = project and is_held(project, f.fingerprint)
                    and exists (select from legal_holds h where h.project_id = project and h.ended_at is null))
$$;

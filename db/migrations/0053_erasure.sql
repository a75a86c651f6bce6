-- Erasing a person who stands in events: what was asked for, by hashes only, how far it has come, and what was removed.

create table erasures (
    workspace_id bigint not null references workspaces on delete cascade,
    id bigint generated always as identity,
    requested_by bigint references people on delete set null,
    requested_at timestamptz not null default clock_timestamp(),
    -- HMACs under the workspace's key: as events count people, and as redaction writes one that it hashes.
    user_hashes bytea[] not null,
    mark text not null,
    -- Whether what mentions the person goes, too; not for an identifier so short that it would be found by chance.
    mentions boolean not null,
    -- Where the search goes on; null before it has begun.
    position jsonb,
    removed jsonb not null default '{}',
    finished_at timestamptz,
    primary key (workspace_id, id)
);
create index erasures_unfinished on erasures (requested_at) where finished_at is null;
create index erasures_requested_by on erasures (requested_by) where requested_by is not null;

-- Remove these events of a project whole, wherever they are; what is held stays. Counts stay. Locks in the order of recording.
create function erase_events(project bigint, received timestamptz[], ids uuid[])
returns table (events bigint, payloads bigint, held bigint)
language sql
set lock_timeout = '2s'
as $$
    with known as materialized (
        select k.event_id, k.fingerprint from event_ids k
         where k.project_id = project and k.event_id = any (ids)
         order by k.event_id
           for update
    ), wanted as materialized (
        select u.received_at, u.event_id, k.fingerprint, coalesce(is_held(project, k.fingerprint), false) as held
          from unnest(received, ids) as u (received_at, event_id)
          left join known k on k.event_id = u.event_id
    ), free as materialized (
        select * from wanted w where not w.held
    ), forgotten as (
        delete from event_ids k using free f where k.project_id = project and k.event_id = f.event_id
    ), light as (
        delete from events e using free f
         where e.project_id = project and e.fingerprint = f.fingerprint and e.received_at = f.received_at
           and e.event_id = f.event_id
        returning 1
    ), heavy as (
        delete from event_payloads p using free f
         where p.project_id = project and p.received_at = f.received_at and p.event_id = f.event_id
        returning 1
    ), kept as (
        delete from kept_payloads p using free f
         where p.project_id = project and p.received_at = f.received_at and p.event_id = f.event_id
        returning 1
    )
    select (select count(*) from light), (select count(*) from heavy) + (select count(*) from kept),
           (select count(*) from wanted w where w.held)
$$;

-- The text without the words that are the person: those whose HMAC is the mark, or that are the mark itself. inner_pad, outer_pad:
-- the workspace's key, padded to 64 bytes and XORed with 0x36 and 0x5c (RFC 2104), since core PostgreSQL has no HMAC.
create function erased_text(body text, mark text, inner_pad bytea, outer_pad bytea) returns text
language plpgsql immutable parallel safe as $$
declare
    word text;
begin
    for word in
        select distinct w
          from regexp_matches(body, '[^\s"''`\\,;()\[\]{}<>=|]+', 'g') as found (words)
         cross join lateral (
               select btrim(found.words[1], '.:!?') as w
                union
               select btrim(part, '.:!?') from regexp_split_to_table(found.words[1], '[/:?&#]') as part) t
         where w <> ''
    loop
        if word = mark or mark = 'hmac:' || left(
               encode(sha256(outer_pad || sha256(inner_pad || convert_to(lower(word), 'UTF8'))), 'hex'), 16) then
            body := replace(body, word, '[erased]');
        end if;
    end loop;
    return body;
end
$$;

-- Texts about events that are kept apart from them; those that a later migration adds are named here.
create function texts_about_events() returns table (relation regclass, field text)
language sql stable as $$
    select to_regclass(t.relation), t.field
      from (values ('incident_fingerprints', 'reason'), ('incident_fingerprints', 'parts'), ('incidents', 'title'),
                   ('incidents', 'culprit'), ('analyses', 'result'), ('analyses', 'correction'), ('deliveries', 'content'),
                   ('outcome_samples', 'detail')) t (relation, field)
     where to_regclass(t.relation) is not null
$$;

-- Take the person out of a field's texts of one project, at most max_rows rows from `after` on; answers how many texts it
-- changed, and where the next rows begin (null: there are none). Rows are locked in the order of their key, as everywhere.
create function erase_texts(project bigint, relation regclass, field text, after tid, max_rows integer,
                            mark text, inner_pad bytea, outer_pad bytea)
returns table (changed bigint, next tid)
language plpgsql
set lock_timeout = '2s'
as $$
declare
    type text;
    key text;
    hit tid[];
begin
    select format_type(a.atttypid, a.atttypmod) into type from pg_attribute a where a.attrelid = relation and a.attname = field;
    select string_agg(quote_ident(a.attname), ', ' order by o.place) into key
      from pg_index i
     cross join unnest(i.indkey::int2[]) with ordinality o (number, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = o.number
     where i.indrelid = relation and i.indisprimary;
    execute format(
        'with page as (select t.ctid as at, t.project_id, t.%2$I::text as body from %1$s t where t.ctid > $1 order by t.ctid limit $2)
         select max(p.at) filter (where (select count(*) from page) = $2),
                array_agg(p.at) filter (where p.project_id = $3 and erased_text(p.body, $4, $5, $6) <> p.body)
           from page p', relation, field)
      into next, hit using after, max_rows, project, mark, inner_pad, outer_pad;
    changed := coalesce(cardinality(hit), 0);
    if changed > 0 then
        execute format('select from %s t where t.ctid = any ($1) order by %s for no key update', relation, key) using hit;
        execute format('update %1$s t set %2$I = erased_text(t.%2$I::text, $2, $3, $4)::%3$s where t.ctid = any ($1)',
                       relation, field, type) using hit, mark, inner_pad, outer_pad;
    end if;
    return next;
end
$$;

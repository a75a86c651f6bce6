-- Exports of a workspace: what was asked for, by whom, until when its link leads to it, and where each part begins and ends.
-- Nothing that is exported is kept here: parts are read from the tables when they are downloaded.

create table exports (
    workspace_id bigint not null references workspaces on delete cascade,
    id bigint generated always as identity,
    requested_by bigint references people on delete cascade,
    requested_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    link_hash bytea not null check (length(link_hash) = 32),
    parts jsonb not null,
    primary key (workspace_id, id)
);
create unique index exports_by_link on exports (link_hash);
create index exports_requested_by on exports (requested_by) where requested_by is not null;

-- Where to cut what a tenant has in a table, into pieces of max_rows: for each the key that it ends with (null: it is the last) and
-- its rows. By the leading columns of the primary key, so that nothing is sorted. until_key: as text, for the queries to compare.
create function export_pieces(relation regclass, tenant text, id bigint, key text[], max_rows integer)
returns table (until_key text[], row_count bigint)
language plpgsql stable
as $$
declare
    columns text;
    texts text;
    total bigint;
begin
    select string_agg(quote_ident(k.name), ', ' order by k.nth), string_agg(quote_ident(k.name) || '::text', ', ' order by k.nth)
      into columns, texts
      from unnest(key) with ordinality k (name, nth);
    execute format('select count(*) from %s where %I = $1', relation, tenant) into total using id;
    if total > max_rows then
        return query execute format(
            'select array[%s], $2::bigint
               from (select %2$s, row_number() over (order by %2$s) as nth from %3$s where %4$I = $1) t
              where t.nth %% $2 = 0 and t.nth < $3
              order by t.nth', texts, columns, relation, tenant)
        using id, max_rows, total;
    end if;
    return query select null::text[], case when total = 0 then 0 else (total - 1) % max_rows + 1 end;
end
$$;

-- The planner's statistics quote single values, of what was removed, too, until a table is analysed anew. It needs none of these.
alter table incidents alter title set statistics 0, alter culprit set statistics 0;
alter table incident_fingerprints alter reason set statistics 0, alter parts set statistics 0;
alter table alerts alter reason set statistics 0;
alter table analyses alter result set statistics 0, alter correction set statistics 0, alter reason set statistics 0;
alter table deliveries alter content set statistics 0, alter last_error set statistics 0, alter recipient set statistics 0;
alter index deliveries_by_recipient alter 1 set statistics 0;
alter table outcome_samples alter detail set statistics 0;
alter table saved_views alter query set statistics 0;
alter table audit_log alter before set statistics 0, alter after set statistics 0, alter address set statistics 0;
alter table audit_refusals alter address set statistics 0;
alter table legal_holds alter reason set statistics 0;
alter table people alter email set statistics 0, alter name set statistics 0, alter clerk_user_id set statistics 0;
alter table invitations alter email set statistics 0;
alter index invitations_by_address alter 1 set statistics 0;
alter index invitations_pending alter 2 set statistics 0;
alter table addresses alter address set statistics 0;
alter table recipients alter address set statistics 0;
alter table channels alter target set statistics 0;

-- What is still quoted of texts, by table: names of releases, environments, services and routes.
create function quoted_in_statistics() returns table (relation regclass, quoted text)
language sql stable as $$
    select format('%I.%I', s.schemaname, s.tablename)::regclass, concat_ws(chr(1), s.most_common_vals::text, s.histogram_bounds::text)
      from pg_stats s
      join pg_attribute a on a.attrelid = format('%I.%I', s.schemaname, s.tablename)::regclass and a.attname = s.attname
     where s.schemaname = 'public' and format_type(a.atttypid, null) in ('text', 'text[]', 'jsonb')
       and coalesce(s.most_common_vals::text, s.histogram_bounds::text) is not null
$$;

create function analyse_anew(relation regclass) returns void
language plpgsql as $$
begin
    execute format('analyze %s', relation);
end
$$;

-- What became of one incident, and what people did about it, without reading a whole trail.
create index transitions_by_incident on transitions (project_id, incident_id, id desc);
create index audit_log_by_object on audit_log (workspace_id, project_id, object_id, id desc);

"""What exports hold: of a workspace, of each of its projects, and of a person; and which tables are left out, and why.

A test holds both against the schema: a table, or a column that names a person, that is in neither fails it.
"""

from __future__ import annotations

from lib.sheets import Sheet

WORKSPACE: tuple[Sheet, ...] = (
    Sheet("workspace", "export_list_workspace", ("id",), "The workspace and its settings."),
    Sheet("members", "export_list_members", ("person_id",), "Who is in the workspace, and as what.", "csv"),
    Sheet("invitations", "export_list_invitations", ("id",), "Who was invited; without the links that let them in.", "csv"),
    Sheet("projects", "export_list_projects", ("id",), "The projects and their settings."),
    Sheet("usage", "export_list_usage", ("month", "project_id"), "Events, analyses, mails by month and project; 0: none.", "csv"),
    Sheet("addresses", "export_list_addresses", ("address",), "Addresses beside members' that alerts may go to.", "csv"),
    Sheet("erasures", "export_list_erasures", ("id",), "Receipts of people who were erased; without whom they were about."),
    Sheet("audit-log", "export_list_changes", ("id",), "Who changed what.", "csv", ("audit_log", 1)),
    Sheet(
        "refusals", "export_list_refusals", ("minute", "actor_kind", "actor_id", "action"), "What was tried and refused.", "csv",
        ("audit_refusals", 1),
    ),
    Sheet(
        "deliveries", "export_list_deliveries", ("id",), "Which messages went to whom, and how that went.", "ndjson",
        ("deliveries", 1),
    ),
)  # fmt: skip
PROJECT: tuple[Sheet, ...] = (
    Sheet("keys", "export_list_keys", ("id",), "Keys by name and prefix; never the keys themselves or their hashes.", "csv"),
    Sheet("rules", "export_list_rules", ("kind",), "Rules for grouping and redaction."),
    Sheet("alert-rules", "export_list_alert_rules", ("id",), "When whom is told."),
    Sheet("channels", "export_list_channels", ("id",), "Where messages go; without webhooks' addresses and secrets."),
    Sheet("recipients", "export_list_recipients", ("channel_id", "address"), "Addresses of channels that send mail.", "csv"),
    Sheet("views", "export_list_views", ("id",), "Searches that are kept."),
    Sheet("holds", "export_list_holds", ("id",), "Legal holds."),
    Sheet("analysis-options", "export_list_analysis_options", ("version",), "When analyses run, and what they may cost."),
    Sheet("releases", "export_list_releases", ("release",), "Releases, and when they were first seen.", "csv"),
    Sheet("incidents", "export_list_incidents", ("id",), "Incidents.", "ndjson", ("incidents", 1)),
    Sheet(
        "fingerprints", "export_list_fingerprints", ("fingerprint",), "Which kinds of errors are which incident, and why.",
        "ndjson", ("incident_fingerprints", 1),
    ),
    Sheet("transitions", "export_list_transitions", ("id",), "What became of incidents.", "ndjson", ("transitions", 1)),
    Sheet("analyses", "export_list_analyses", ("id",), "Analyses, their ratings and corrections.", "ndjson", ("analyses", 1)),
    Sheet("alerts", "export_list_alerts", ("id",), "What was told over which channel, or why not.", "ndjson", ("alerts", 1)),
    Sheet(
        "counts", "export_list_counts", ("fingerprint", "hour", "environment", "release"), "Events by hour and kind of error.",
        "csv", ("event_counts", 2),
    ),
    Sheet(
        "outcomes", "export_list_outcomes", ("hour", "key_id", "outcome", "reason", "shard"), "What became of events, by hour.",
        "csv", ("outcomes", 2),
    ),
)  # fmt: skip
EVENTS = Sheet(
    "events", "export_list_events", ("fingerprint", "received_at", "event_id"),
    "Events by the day on which they came, redacted as they are stored; `payload` is null where its time is over.",
)  # fmt: skip
PERSON: tuple[Sheet, ...] = (
    Sheet("profile", "own_list_profile", ("id",), "Who you are here."),
    Sheet("memberships", "own_list_memberships", ("workspace_id",), "The workspaces that you are in, and as what."),
    Sheet("invitations", "own_list_invitations", ("workspace_id", "id"), "Invitations to your address, by you, accepted by you."),
    Sheet("changes", "own_list_changes", ("workspace_id", "id"), "What you changed, when and from which address.", "csv"),
    Sheet("refusals", "own_list_refusals", ("workspace_id", "minute", "action"), "What you tried and were refused.", "csv"),
    Sheet("keys", "own_list_keys", ("project_id", "id"), "Keys that you made.", "csv"),
    Sheet("made", "own_list_made", ("kind", "place_id", "object_id"), "What else has your name on it.", "csv"),
    Sheet("ratings", "own_list_ratings", ("project_id", "id"), "Analyses that you asked for, rated or corrected."),
    Sheet("addresses", "own_list_addresses", ("kind", "place_id", "object_id"), "Alerts that go to your address.", "csv"),
    Sheet("messages", "own_list_messages", ("workspace_id", "id"), "Messages that went to your address.", "csv"),
)  # fmt: skip
# Tables of a tenant that stand in no file of their own.
LEFT_OUT = {
    "alert_findings": "which rules are why something is told; the first stands with alerts",
    "alert_rule_channels": "stand with alert rules",
    "alert_states": "what the next look at a rule begins with",
    "alert_watches": "likewise",
    "analysis_spending": "sums of what analyses cost, which stand with each",
    "analysis_watch": "what the next look at an incident begins with",
    "attempts": "how often a delivery was tried stands with it",
    "archives": "copies of payloads that stand with events",
    "dismissed_suggestions": "which merges nobody wants",
    "event_ids": "each event has its id",
    "event_payloads": "stand with events",
    "kept_payloads": "likewise",
    "exports": "this one, and earlier ones",
    "fingerprint_minutes": "a limit's counter",
    "held_fingerprints": "what a hold of an incident covers; the hold names the incident",
    "incident_tags": "hashes of tags, which stand with events",
    "incident_people": "hashes of people; how many there are stands with incidents",
    "notices": "what is told stands with deliveries",
    "outcome_samples": "examples of what outcomes count",
    "project_hours": "a limit's counter",
    "project_slugs": "earlier addresses",
    "workspace_slugs": "likewise",
    "retention_changes": "how far a change of retention has come; the change is in the audit log",
}
README = """# {what}

Asked for at {at}. Times are UTC. Lines of .ndjson files are one JSON object each; .csv files have a header, and a ' before what a
spreadsheet would take for a formula. schema.json names the columns of each file and their types, as PostgreSQL calls them.

{files}
Not in here: keys and their hashes, secrets and addresses of webhooks, links that let somebody in, what redaction removed before
it was stored, and what was removed since.
"""


def readme(what: str, at: str, sheets: tuple[Sheet, ...]) -> bytes:
    """The text that explains an export."""
    files = "".join(f"- {sheet.name}.{sheet.form}: {sheet.about}\n" for sheet in sheets)
    return README.format(what=what, at=at, files=files).encode()

"""db/queries: every block is valid against the migrated schema, in use, no text pasted together, and bound to a tenant."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib import queries
from tests.cases import each

ROOT = Path(__file__).parent.parent
BLOCKS = {name: sql for file in sorted(queries.FOLDER.glob("*.sql")) for name, sql in queries.load(file.stem).items()}
PARAMETER = re.compile(r"%\((\w+)\)[sbt]")
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|SET\s+\w+\s*=)\b",
    re.IGNORECASE | re.DOTALL,
)
VERBS = {"find", "list", "count", "insert", "upsert", "update", "delete", "claim", "lock"}
TENANT = {"project_id", "workspace_id"}
# Blocks that are not bound to a tenant by a parameter, and why that is right.
UNBOUND = {
    "key_find_by_hash": "the key itself says whose it is; nothing is known before",
    "key_find_api_by_hash": "likewise",
    "idempotency_insert": "bound to the person or key who asks",
    "idempotency_find": "likewise",
    "idempotency_update_answer": "likewise",
    "idempotency_delete_expired": "what has expired is nobody's any more",
    "idempotency_delete_old": "likewise",
    "person_find_by_clerk": "a person belongs to no workspace",
    "person_find": "likewise",
    "person_insert": "likewise",
    "person_find_clerk_id": "likewise",
    "person_lock": "likewise",
    "person_list_memberships": "likewise",
    "person_delete_invitations": "likewise: those to their address, wherever",
    "person_delete_mails": "likewise",
    "person_list_deleted": "of hashes, for whoever holds the backups",
    "person_find_by_hash": "a person belongs to no workspace",
    "person_update_channels": "likewise",
    "person_delete_keys_kept": "likewise",
    "person_delete_memberships": "likewise",
    "person_update_forgotten": "likewise",
    "person_update_deleted": "likewise",
    "clerk_insert": "messages are about people",
    "clerk_delete_old": "likewise",
    "invitation_delete_ended": "what has ended is nobody's any more",
    "invitation_find_by_token": "the token itself says to where it invites",
    "person_update": "likewise",
    "workspace_list_by_person": "those that the person is a member of",
    "workspace_count_owned": "likewise",
    "workspace_find_by_slug": "likewise",
    "workspace_insert": "makes the tenant",
    "export_find_by_link": "the link itself says whose it is",
    "export_list_pieces": "the tenant is its parameter id, and tenant says which kind",
    "own_list_profile": "the person's own",
    "own_list_memberships": "likewise",
    "own_list_invitations": "likewise",
    "own_list_changes": "likewise",
    "own_list_refusals": "likewise",
    "own_list_keys": "likewise",
    "own_list_made": "likewise",
    "own_list_ratings": "likewise",
    "own_list_addresses": "likewise",
    "own_list_messages": "likewise",
    "outcome_upsert_counts": "each count carries its project, which the key decided",
    "outcome_insert_samples": "each sample carries its project, which the key decided",
    "record_events": "each event of the batch carries its project, which the key decided",
    "record_upsert_tagged": "likewise",
    "record_make_partitions": "partitions are shared by all",
    "person_list_projects": "the person’s own, whichever they are",
    "health_transitions": "one number over all, nothing of a tenant",
    "health_alerts": "numbers over all, nothing of a tenant",
    "health_deliveries": "numbers over all, nothing of a tenant",
    "delivery_find_sent_mail": "whether the deployment's provider works, nothing of a tenant",
    "delivery_delete_old": "everybody's, by age",
    "alert_claim_transitions": "a sweep follows everybody's up; what it writes is bound by each one's own project",
    "alert_update_handled": "the keys of the transitions, which hold their projects",
    "alert_claim_watches": "a sweep looks at everybody's; each look is bound to its project",
    "alert_update_watches": "the keys of projects that this sweep has claimed",
    "alert_claim_waiting": "the channel that waits longest, of anybody's; each alert goes with the channel of its own project",
    "alert_delete_recipient": "the token itself says whose it is; nothing is known before",
    "alert_find_recipient": "likewise",
    "alert_find_asked": "likewise",
    "alert_update_confirmed": "likewise",
    "alert_claim_notices": "everybody's; each is told to its own workspace",
    "alert_delete_old": "everybody's, by age",
    "delivery_claim": "a worker sends everybody's; what it answers is bound by the delivery's own workspace",
    "cron_find_now": "no tenant's",
    "health_crons": "no tenant's",
    "health_analyses": "one number over all, nothing of a tenant",
    "health_partitions": "no tenant's",
    "cron_upsert_started": "no tenant's",
    "cron_update_finished": "no tenant's",
    "retention_upsert_partitions": "partitions are shared by all",
    "retention_list_expired": "partitions are shared by all",
    "retention_delete_payloads": "partitions are shared by all",
    "retention_count_due": "the cron's, over all projects",
    "retention_list_changes": "the cron's, over all projects",
    "retention_update_held": "partitions are shared by all",
    "retention_delete_kept": "the cron's, over all projects",
    "retention_list_received": "partitions are shared by all",
    "retention_delete_events": "partitions are shared by all",
    "retention_delete_counts": "the cron's, over all projects",
    "retention_delete_tags": "likewise",
    "retention_delete_incidents": "the cron's, over all projects",
    "archive_list_missing": "partitions are shared by all",
    "archive_list_due": "the cron's, over all projects",
    "archive_list_leftovers": "likewise",
    "archive_delete_payloads": "partitions are shared by all",
    "retention_delete_refusals": "the cron's, over all workspaces",
    "retention_delete_usage": "the cron's, over all workspaces",
    "retention_delete_outcomes": "the cron's, over all projects",
    "retention_delete_audit": "the cron's, over all workspaces",
    "erasure_list_unfinished": "the cron's, over all workspaces",
    "erasure_list_all": "of hashes, for whoever holds the backups",
    "erasure_list_relations": "names of tables",
    "cron_count_others": "numbers of connections",
    "erasure_lock_events": "a turn among crons",
    "erasure_list_statistics": "the planner's, of everybody; what is quoted is looked at and forgotten",
    "erasure_update_statistics": "likewise",
    "deletion_list_due": "the cron's, over all projects",
    "deletion_list_due_workspaces": "the cron's, over all workspaces",
    "deletion_delete_rows": "the tenant is its parameter id, and owner says which kind",
    "analysis_claim_transitions": "the deployment's sweep takes the oldest, whosever they are; each is then handled by itself",
    "analysis_update_considered": "likewise: keys of both columns",
    "analysis_claim_watched": "likewise",
    "analysis_list_situations": "likewise: each incident is joined by its own project",
    "analysis_insert_watched": "likewise",
    "analysis_delete_watched": "likewise",
    "analysis_insert_due": "likewise",
    "analysis_claim_due": "likewise",
    "analysis_find_provider": "the deployment's own",
    "analysis_update_provider_failed": "the deployment's own",
    "analysis_update_provider_paused": "the deployment's own",
    "analysis_update_provider_well": "the deployment's own",
}
# Blocks named after what they do as a whole.
UNUSUAL_NAMES = {
    *(
        "record_events",
        "record_make_partitions",
        "health_transitions",
        "health_alerts",
        "health_deliveries",
        "health_analyses",
        "health_crons",
        "health_partitions",
    ),
    *("incident_merge", "incident_split"),
}


def numbered(sql: str) -> str:
    """With PostgreSQL's own parameters, as psycopg sends it."""
    names: dict[str, int] = {}
    found = PARAMETER.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
    return found.replace("%%", "%")


@pytest.fixture(scope="module")
def conn(request: pytest.FixtureRequest) -> Any:
    with psycopg.connect(request.getfixturevalue("database_url"), autocommit=True) as made:
        yield made


@each("name", BLOCKS)
def test_a_query_is_valid_against_the_migrated_schema(conn: psycopg.Connection, name: str) -> None:
    conn.execute(f"PREPARE tried AS {numbered(BLOCKS[name])}".encode())
    conn.execute("DEALLOCATE tried")


@each("name", BLOCKS)
def test_a_query_is_bound_to_a_tenant(name: str) -> None:
    bound = bool(TENANT & set(PARAMETER.findall(BLOCKS[name])))
    assert bound or name in UNBOUND
    assert not (bound and name in UNBOUND), "it needs no exception any more"


def test_exceptions_are_of_queries_that_exist() -> None:
    assert set(UNBOUND) | UNUSUAL_NAMES <= set(BLOCKS)


@each("name", sorted(set(BLOCKS) - UNUSUAL_NAMES))
def test_a_query_is_named_after_its_entity_and_verb(name: str) -> None:
    entity, _, rest = name.partition("_")
    assert name in queries.load(entity)
    assert rest.partition("_")[0] in VERBS


def test_no_query_is_named_twice_or_forgotten_in_its_file() -> None:
    for file in queries.FOLDER.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        assert text.startswith(queries.MARK), file.name
        assert len(queries.load(file.stem)) == text.count(queries.MARK), file.name


def sources() -> list[Path]:
    return [path for folder in ("api", "lib") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_every_query_is_used() -> None:
    texts = [
        node.value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    # `f"incident_list_by_{sort}"` leaves its beginning.
    beginnings = tuple(text for text in texts if re.fullmatch(r"[a-z]+_[a-z]+_[a-z_]*_", text))
    assert [name for name in BLOCKS if name not in texts and not name.startswith(beginnings)] == []


def pasted(tree: ast.Module) -> list[int]:
    """Lines where SQL is put together from parts: f-strings, +, %, .format, .join."""
    found = []
    for node in ast.walk(tree):
        parts = isinstance(node, ast.JoinedStr) and any(isinstance(value, ast.FormattedValue) for value in node.values)
        added = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join"}
        if (parts or added or called) and SQL.search(ast.unparse(node)):
            found.append(node.lineno)  # type: ignore[attr-defined]  # each of the three is an expression
    return found


def executed(tree: ast.Module) -> list[ast.expr]:
    """What is given to execute()."""
    return [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"execute", "executemany"}
    ]


def is_named_or_constant(statement: ast.expr) -> bool:
    if isinstance(statement, ast.Call):
        return ast.unparse(statement.func) in {"queries.get", "get"}
    return isinstance(statement, ast.Constant) or (isinstance(statement, ast.Name) and statement.id.isupper())


def test_no_sql_is_pasted_together() -> None:
    found = {}
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines = pasted(tree) + [one.lineno for one in executed(tree) if not is_named_or_constant(one)]
        if lines:
            found[str(path.relative_to(ROOT))] = lines
    assert found == {}


@each(
    "code",
    [
        'conn.execute(f"SELECT * FROM {table}")',
        'conn.execute("SELECT * FROM events WHERE id = " + number)',
        'conn.execute("DELETE FROM events WHERE id = %s" % number)',
        'conn.execute("UPDATE events SET {}".format(what))',
        "conn.execute(statement)",
    ],
)
def test_pasted_sql_is_found(code: str) -> None:
    tree = ast.parse(code)
    assert pasted(tree) or not all(map(is_named_or_constant, executed(tree)))

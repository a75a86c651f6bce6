"""A project's own rules, as ingest applies them."""

from __future__ import annotations

from typing import Any

import orjson

from lib import project_rules
from lib.project_rules import ProjectRules

NO_REDACTION: dict[str, Any] = {
    "extra_keys": [], "extra_patterns": [], "safe_fields": [], "email": "remove", "ip": "remove", "phone": "remove",
}  # fmt: skip


def rules(grouping: list[dict[str, Any]] | None = None, **redaction: Any) -> ProjectRules:
    """Compiled from their JSON, as they are stored."""
    return project_rules.compiled(
        orjson.dumps({"rules": grouping}).decode() if grouping else None,
        orjson.dumps({**NO_REDACTION, **redaction}).decode(),
        b"k" * 32,
    )


def test_what_a_projects_pattern_removes_is_not_in_the_parts_either() -> None:
    payload = {"logentry": {"formatted": "patient 4711 Smithson not found"}, "level": "error", "platform": "other"}
    prepared = project_rules.prepare(payload, rules(extra_patterns=["patient [0-9]+ [A-Za-z]+"]))
    assert "Smithson" not in orjson.dumps([prepared.redacted.payload, prepared.fingerprint.parts]).decode()


def test_what_a_projects_key_removes_is_not_in_the_parts_either() -> None:
    payload = {"logentry": {"formatted": "x"}, "tags": {"customer": "ACME-Corp"}, "level": "error", "platform": "other"}
    by_customer = [{"match": {"level": "error"}, "fingerprint": ["{{ tag.customer }}"]}]
    prepared = project_rules.prepare(payload, rules(by_customer, extra_keys=["customer"]))
    assert "ACME" not in orjson.dumps([prepared.redacted.payload, prepared.fingerprint.parts]).decode()


def test_a_projects_redaction_splits_no_incident() -> None:
    payload = {"logentry": {"formatted": "patient 4711 Smithson not found"}, "level": "error", "platform": "other"}
    plain = project_rules.prepare(payload, project_rules.NONE)
    own = project_rules.prepare(payload, rules(extra_patterns=["patient [0-9]+ [A-Za-z]+"]))
    assert plain.fingerprint.value == own.fingerprint.value

"""What one project's rules remember says nothing to another's, and a project's names hold in text as they do as keys."""

from typing import Any

import pytest

from lib import project_rules
from lib.project_rules import ProjectRules
from lib.redaction import BUILT_IN, Rules, compile_rules, redact
from lib.redaction.memo import Memo

ADDRESS = "bob.smith@corp-example.com"


@pytest.mark.parametrize("treatment", [{"email": "keep"}, {"email": "hash", "hash_key": b"k" * 32}])
def test_an_address_kept_in_a_key_by_one_project_is_removed_for_the_others(treatment: Any) -> None:
    own = compile_rules(**treatment)
    payload = {"extra": {ADDRESS: 1}}
    for rules in (BUILT_IN, own, BUILT_IN, compile_rules(safe_fields=["extra.other"]), own):
        kept = ADDRESS in redact(payload, rules).payload["extra"]
        assert kept is (rules is own and treatment["email"] == "keep")


def test_a_projects_pattern_is_removed_from_keys_and_values_that_were_seen_before() -> None:
    payload = {"extra": {"CUST-ABCDEF": 1, "x": "CUST-ABCDEF"}}
    own = compile_rules(extra_patterns=["CUST-[A-Z]+"])
    for _ in range(2):
        assert redact(payload).payload == payload
        assert redact(payload, own).payload == {"extra": {"[redacted:custom]": 1, "x": "[redacted:custom]"}}
        prepared = project_rules.prepare(payload, ProjectRules(redaction=own))
        assert prepared.redacted.payload == {"extra": {"[redacted:custom]": 1, "x": "[redacted:custom]"}}


def test_a_text_that_was_harmless_elsewhere_is_looked_at_where_it_is_not() -> None:
    """Each pair: what one event brings into memory, and what the next must lose all the same."""
    secret = "Zx9" + "hunterq"
    pairs: list[tuple[Any, Any]] = [
        (["backup.py", f"-p{secret}", "mysqldump"], ["mysqldump", f"-p{secret}"]),
        ({"a": "user_dni", "b": "12345678Z"}, ["user_dni", "12345678Z"]),
        ({"name": "author", "keyValue": secret}, {"name": "password", "keyValue": secret}),
        ({"name": "author", "value": secret}, {"name": "password", "value": secret}),
        ({"message": "order %s", "params": [secret]}, {"message": "password=%s", "params": [secret]}),
    ]
    for harmless, telling in pairs:
        rules = Rules(memo=Memo())
        for payload in (harmless, harmless, telling, telling):
            found = redact({"extra": {"x": payload}}, rules).body
            assert (secret.encode() in found or b"12345678Z" in found) is (payload is harmless), payload


def test_memory_is_shared_only_between_rules_that_judge_alike() -> None:
    def shares(rules: Rules) -> tuple[bool, bool]:
        return rules.memo.texts is BUILT_IN.memo.texts, rules.memo.keys is BUILT_IN.memo.keys

    assert shares(compile_rules(safe_fields=["extra.a"], hash_key=b"k" * 32)) == (True, True)
    for kept in (compile_rules(email="keep"), compile_rules(ip="keep"), compile_rules(phone="keep")):
        assert shares(kept) == (True, False)  # texts: only those without anything to treat
    assert shares(compile_rules(extra_patterns=["x+y"])) == (False, False)
    assert shares(compile_rules(extra_keys=["customer code"])) == (False, False)  # a name may stand in a text

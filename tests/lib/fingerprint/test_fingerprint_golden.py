"""Version 1 is frozen: incidents in every database are found by these values. A change here is a new version, never an edit.

golden_v1.jsonl holds payloads of our own with what version 1 said of them.
"""

import json
from pathlib import Path
from typing import Any

from lib.fingerprint import v1
from tests.cases import each

GOLDEN = [json.loads(line) for line in Path(__file__).with_name("golden_v1.jsonl").read_text(encoding="utf-8").splitlines()]


@each("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_version_1_says_what_it_always_said(case: dict[str, Any]) -> None:
    found = v1.compute(case["payload"])
    assert (found.version, found.rule, found.parts) == (1, case["rule"], case["parts"])
    assert found.value == case["value"]


def test_every_rule_is_held() -> None:
    rules = {case["rule"] for case in GOLDEN}
    assert rules == {"client", "stack", "minified_stack", "group", "exception_message", "message_template", "message", "fallback"}

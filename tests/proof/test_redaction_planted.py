"""Events of real SDKs with a secret planted in every text: all of them go, and what was there before and is no secret stays."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from lib import events, redaction
from local.folders import ROOT
from tests.lib.redaction.lookalikes import BASE36, random_text, tokens
from tests.quality import adapter

CASES = ROOT / "tests/quality/cases"
FAMILIES = ("github", "aws", "slack", "stripe", "jwt", "unknown vendor")
# What no text of the client's can stand in: times and ids are parsed, levels chosen from five.
PARSED = {"event_id", "timestamp", "level", "start_timestamp", "trace_id", "span_id", "parent_span_id"}
# The programs' customers have addresses, and their servers listen on one; nothing else in them is personal or secret.
HARMLESS_RULES = {"email", "ip", "cookie"}
PERSONAL = re.compile(r"@example\.com|(\d{1,3}\.){3}\d{1,3}")
Plant = Callable[[str, int], tuple[str, str]]


def read_cases() -> list[dict[str, Any]]:
    """The rows of tests/quality/cases."""
    return [json.loads(line) for file in sorted(CASES.glob("*.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return read_cases()


@pytest.fixture(scope="module")
def varieties(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One event of each variation of each project: every way in which the SDKs fill a payload."""
    return list({(row["project"], row["variation"]): row for row in rows}.values())


def frames(payload: dict[str, Any]) -> list[dict[str, Any]]:
    values = payload.get("exception", {}).get("values", []) + payload.get("threads", {}).get("values", [])
    return [frame for value in values for frame in value.get("stacktrace", {}).get("frames", [])]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Everything that is no container, with its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for step, inner in items:
        yield from leaves(inner, (*path, step))


def planted(value: Any, plant: Callable[[str], str], name: str = "") -> Any:
    """A copy in which every text went through `plant`, but for those that are parsed."""
    if isinstance(value, dict):
        return {key: planted(item, plant, key) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item, plant, name) for item in value]
    return plant(value) if isinstance(value, str) and name not in PARSED else value


token_families = lru_cache(maxsize=None)(tokens)


def family(name: str) -> Plant:
    """A vendor's token behind the text that was there."""

    def plant(text: str, seed: int) -> tuple[str, str]:
        token = token_families(seed)[name]
        return f"{text} {token}", token

    return plant


def password_in_url(text: str, seed: int) -> tuple[str, str]:
    secret = random_text(14, BASE36, seed)
    return f"{text} https://bob:{secret}@db.example.com/x", secret


def named(text: str, seed: int) -> tuple[str, str]:
    secret = random_text(14, seed=seed)
    return f'{text}; password="{secret}"', secret


def in_json(text: str, seed: int) -> tuple[str, str]:
    secret = random_text(14, seed=seed)
    return json.dumps({"text": text, "api_key": secret}), secret


def url_encoded(text: str, seed: int) -> tuple[str, str]:
    secret = random_text(20, seed=seed)
    return f"{text} next=" + quote(f"/reset?token={secret}", safe=""), secret


def basic_header(text: str, seed: int) -> tuple[str, str]:
    secret = base64.b64encode(b"bob:" + random_text(14, seed=seed).encode()).decode()
    return f"{text} Authorization: Basic {secret}", secret


def email(text: str, seed: int) -> tuple[str, str]:
    secret = f"jane.{random_text(8, BASE36, seed)}@example.org"
    return f"{text} <{secret}>", secret


PLANTS: dict[str, Plant] = {
    **{name: family(name) for name in FAMILIES},
    **{plant.__name__: plant for plant in (password_in_url, named, in_json, url_encoded, basic_header, email)},
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_secret_planted_in_every_text_of_an_event_is_gone(varieties: list[dict[str, Any]], plant: Plant) -> None:
    for row in varieties:
        secrets: list[str] = []

        def put(text: str, secrets: list[str] = secrets) -> str:
            changed, secret = plant(text, len(secrets) + 1)
            secrets.append(secret)
            return changed

        left = adapter.redact(planted(row["event"], put))
        texts = orjson.dumps(left).decode()
        kept = [secret for secret in secrets if secret in texts]
        places = [path for path, value in leaves(left) if any(secret in str(value) for secret in kept)]
        assert not kept, (row["variation"], row["label"], places[:5])


def test_nothing_else_of_an_event_changes(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        before = events.normalise(row["event"], adapter.RECEIVED_AT)
        redacted = redaction.redact(before)
        assert {removal.rule for removal in redacted.removals} <= HARMLESS_RULES, (row["label"], redacted.removals)
        after = dict(leaves(redacted.payload))
        for path, value in leaves(before):
            if after[path] != value:
                assert PERSONAL.search(str(value)) or "cookies" in path, (path, value, after[path])


def test_what_a_developer_needs_is_still_there(varieties: list[dict[str, Any]]) -> None:
    for row in varieties:
        before, after = events.normalise(row["event"], adapter.RECEIVED_AT), adapter.redact(row["event"])
        for name in ("release", "environment", "server_name", "platform", "level", "transaction", "modules", "sdk", "tags"):
            assert after.get(name) == before.get(name)
        for old, new in zip(frames(before), frames(after), strict=True):
            names = ("filename", "abs_path", "function", "module", "lineno", "colno", "in_app")
            assert [new.get(name) for name in names] == [old.get(name) for name in names]

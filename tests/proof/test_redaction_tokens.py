"""Four hundred tokens of each family: what only its prefix tells leaves however even its mixture, in whatever encoding."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from tests.cases import each
from tests.lib.redaction.lookalikes import tokens
from tests.lib.redaction.test_redaction_texts import cleaned


# Too even a mixture to be found by form alone, now and then: only its prefix tells.
@cache
def many() -> list[dict[str, str]]:
    return [tokens(seed) for seed in range(1, 400)]


ANNOUNCED = [family for family in tokens() if family != "no prefix"]


@each("separator", ["%3D", "%3d", "%26", "%3F", "%2F", "%22", "%20", "%0A", "%5B", "%253D", "%252520"])
def test_a_token_behind_an_encoded_separator_leaves_and_the_separator_stays(separator: str) -> None:
    for token in (found["github"] for found in many()):
        assert cleaned(f"%2Fa%3Fb{separator}{token}%26c") == f"%2Fa%3Fb{separator}[redacted:token]%26c"


@each("family", ANNOUNCED)
def test_a_token_of_any_family_leaves_an_encoded_url(family: str) -> None:
    for token in (found[family] for found in many()):
        assert quote(token, safe="") not in cleaned(quote(f"/a?b={token}", safe=""))

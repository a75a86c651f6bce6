"""What is believed of an answer: frames that exist, and a confidence that evidence bears out."""

from __future__ import annotations

from typing import Any

import pytest

from lib.analysis.answer import Answer, InvalidAnswerError, judge, parse
from tests.cases import each
from tests.lib.redaction.lookalikes import random_text

NEAR: dict[str, Any] = {"id": "F1", "function": "total", "file": "pay.py", "line": 4, "near_the_crash": True, "source": ["> a()"]}
FAR: dict[str, Any] = {"id": "F2", "function": "main", "file": "main.py", "source": ["> total()"]}
BARE = {name: value for name, value in NEAR.items() if name != "source"}
FRAMES = {"F1": NEAR, "F2": FAR}


def answer(*evidence: str, confidence: float = 0.9, **texts: Any) -> Answer:
    found = {"summary": "It fails.", "likely_cause": "A key.", "suggested_fix": "Check it.", "severity": "high"} | texts
    shown = [{"frame": frame, "shows": "the crash"} for frame in evidence]
    return Answer.model_validate(found | {"confidence": confidence, "evidence": shown})


@each(
    ("found", "frames", "believed"),
    [
        (answer("F1"), FRAMES, 0.9),
        (answer("F1", "F2"), FRAMES, 0.9),
        (answer("F1", "F1"), FRAMES, 0.9),
        (answer("F1", "F9"), FRAMES, 0.45),  # half of what it names does not exist
        (answer("F1", "F2", "F9"), FRAMES, 0.6),
        (answer("F9"), FRAMES, 0.3),
        (answer(), FRAMES, 0.3),
        (answer(confidence=0.1), FRAMES, 0.1),  # never more than it claims
        (answer("F1", confidence=0.2), FRAMES, 0.2),
        (answer("F1"), {"F1": BARE}, 0.6),  # no source line near the crash
        (answer("F2"), {"F1": BARE, "F2": FAR}, 0.6),
        (answer(), {}, 0.3),
    ],
)
def test_confidence_is_lowered_where_evidence_is_missing(found: Answer, frames: dict[str, Any], believed: float) -> None:
    judged = judge(found, frames)
    assert judged.confidence == believed
    assert {one["function"] for one in judged.result["evidence"]} <= {frame["function"] for frame in frames.values()}


def test_evidence_is_what_was_sent_and_not_what_the_model_says_of_it() -> None:
    [shown] = judge(answer("F1"), FRAMES).result["evidence"]
    assert shown == {"function": "total", "module": None, "file": "pay.py", "line": 4, "source": "a()", "shows": "the crash"}


@each(
    "text",
    [
        "", "{}", "null", "[]", "not json", '{"summary": "x"}',
        answer("F1").model_dump_json().replace("0.9", "1.01"), answer("F1").model_dump_json().replace("0.9", "-1"),
        answer("F1").model_dump_json().replace("0.9", "NaN"), answer("F1").model_dump_json().replace("high", "fatal"),
        answer("F1").model_dump_json().replace("It fails.", ""), answer("F1").model_dump_json()[:-1] + ', "more": 1}',
    ],
)  # fmt: skip
def test_what_is_not_what_was_asked_for_is_invalid(text: str) -> None:
    with pytest.raises(InvalidAnswerError):
        parse(text)


@each("text", ["\u200b", "```\n```", " \n ", "\x00"])
def test_an_answer_of_which_nothing_is_left_is_invalid(text: str) -> None:
    with pytest.raises(InvalidAnswerError):
        judge(answer("F1", summary=text), FRAMES)


def test_secrets_are_redacted_again() -> None:
    secret = "ghp" + "_" + random_text(36, seed=7)
    hidden = secret[:10] + "\u200b" + secret[10:]
    split = secret[:10] + "```" + secret[10:]
    for text in (secret, hidden, split):
        found = judge(answer("F1", summary=f"The key is {text}.", likely_cause=text, suggested_fix=f"Use {text}"), FRAMES)
        assert secret not in str(found.result), text
        assert "[redacted:" in found.result["summary"]
    assert "jane@" not in str(judge(answer("F1", summary="Ask jane@example.com."), FRAMES).result)


@each("number", ["+1 555 010 0123", "(555) 123-4567", "+49 30 1234567", "192.0.2.7"])
def test_no_number_is_left_that_a_phone_would_dial_or_a_mail_would_link(number: str) -> None:
    result = judge(answer("F1", summary=f"Call {number} now", suggested_fix=f"1. {number}"), FRAMES).result
    assert number not in str(result)
    assert "Call [redacted:" in result["summary"]

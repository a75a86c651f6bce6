"""What a model answers, by a strict schema, and what is believed of it: frames that exist, and no more than they bear out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import pydantic
from pydantic import BaseModel, Field

from lib import redaction
from lib.analysis.material import Data
from lib.analysis.plain import plain

SUMMARY_CHARS_MAX = 600
CAUSE_CHARS_MAX = 2_000
FIX_CHARS_MAX = 4_000
NOTE_CHARS_MAX = 300
NAME_CHARS_MAX = 200
EVIDENCE_MAX = 8
# The most that is believed where something is missing.
NO_EVIDENCE_MAX = 0.3
NO_STACK_MAX = 0.4
NO_SOURCE_MAX = 0.6
FRAME_FIELDS = ("function", "module", "file", "line")


class Evidence(BaseModel, extra="forbid"):
    """A frame of the data, by its id, and what it shows."""

    frame: str
    shows: str


class Answer(BaseModel, extra="forbid"):
    """What the model is made to answer."""

    summary: str = Field(min_length=1)
    likely_cause: str = Field(min_length=1)
    suggested_fix: str
    confidence: float = Field(ge=0, le=1)
    evidence: list[Evidence]
    severity: Literal["low", "medium", "high", "critical"]


class Judged(NamedTuple):
    """result: what is stored and shown. confidence: at most what the model claimed."""

    result: dict[str, Any]
    confidence: float


class InvalidAnswerError(ValueError):
    """What came is not what was asked for."""


def parse(text: str) -> Answer:
    """The answer in this JSON text. Raises InvalidAnswerError."""
    try:
        return Answer.model_validate_json(text)
    except pydantic.ValidationError as error:
        raise InvalidAnswerError from error


def judge(answer: Answer, frames: Mapping[str, Data]) -> Judged:
    """What to keep: plain text without secrets, evidence that was really sent, and the confidence that this leaves.

    Raises InvalidAnswerError where nothing is left of the summary or the cause.
    """
    named = {one.frame.strip(): one.shows for one in reversed(answer.evidence)}
    valid = {frame: shows for frame, shows in reversed(named.items()) if frame in frames}
    texts = {
        "summary": plain(answer.summary, SUMMARY_CHARS_MAX),
        "likely_cause": plain(answer.likely_cause, CAUSE_CHARS_MAX),
        "suggested_fix": plain(answer.suggested_fix, FIX_CHARS_MAX),
        "severity": answer.severity,
        "evidence": [_shown(frames[name], shows) for name, shows in list(valid.items())[:EVIDENCE_MAX]],
    }
    # What was joined by taking something out may be a secret, and a placeholder may stand where it makes a link.
    result = _plainly(redaction.redact(texts).payload)
    if not result["summary"] or not result["likely_cause"]:
        raise InvalidAnswerError("no text is left")
    share = len(valid) / len(named) if named else 0.0
    return Judged(result, round(_believed(answer.confidence, share, frames), 2))


def _shown(frame: Data, shows: str) -> Data:
    """A frame as evidence: what was sent of it, which events decide, so it is made plain too."""
    kept = {name: frame.get(name) for name in FRAME_FIELDS}
    texts = {name: plain(value, NAME_CHARS_MAX) if isinstance(value, str) else value for name, value in kept.items()}
    own_line = next((line[2:].strip() for line in frame.get("source", ()) if line.startswith("> ")), "")
    return texts | {"source": plain(own_line, NAME_CHARS_MAX), "shows": plain(shows, NOTE_CHARS_MAX)}


def _plainly(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plainly(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plainly(item) for item in value]
    return plain(value, FIX_CHARS_MAX) if isinstance(value, str) else value


def _believed(claimed: float, share: float, frames: Mapping[str, Data]) -> float:
    """share: of the frames that the model named, those that exist."""
    most = [1.0 if share else NO_EVIDENCE_MAX]
    if not frames:
        most.append(NO_STACK_MAX)
    elif not any(frame.get("source") for frame in frames.values() if "near_the_crash" in frame):
        most.append(NO_SOURCE_MAX)
    return min(claimed * (share or 1.0), *most)

"""How sure a model is, in words: the same for the page, the API and every message."""

from __future__ import annotations

from typing import NamedTuple


class Confidence(NamedTuple):
    """word: high, medium or low. meaning: what that says of an analysis, without a full stop."""

    word: str
    meaning: str


# From where on it is called so.
MEDIUM_FROM, HIGH_FROM = 0.4, 0.75
HIGH = Confidence("high", "the frames named as evidence show it; check the fix all the same")
MEDIUM = Confidence("medium", "it fits the evidence, but so may something else")
LOW = Confidence("low", "a guess to start from; the evidence does not show it")


def of(confidence: float) -> Confidence:
    """What a number from 0 to 1 means."""
    return HIGH if confidence >= HIGH_FROM else MEDIUM if confidence >= MEDIUM_FROM else LOW


def in_words(confidence: float) -> str:
    """The word and what it means: `low: a guess to start from; …`."""
    return ": ".join(of(confidence))

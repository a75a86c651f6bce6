"""What a confidence is called, wherever it is told."""

from __future__ import annotations

import json

from lib import channels, confidence
from lib.channels import Kind
from lib.channels.text import ZERO_WIDTH_SPACE
from tests.cases import each
from tests.lib.channels.notices import CREATED_AT, ITEM, notice

KINDS: tuple[Kind, ...] = ("email", "slack", "discord", "webhook")


@each(("sure", "word"), [(0, "low"), (0.39, "low"), (0.4, "medium"), (0.74, "medium"), (0.75, "high"), (1, "high")])
def test_a_confidence_is_told_in_words(sure: float, word: str) -> None:
    assert confidence.of(sure).word == word
    assert confidence.in_words(sure) == f"{word}: {confidence.of(sure).meaning}"


@each("sure", [0.12, 0.5, 0.86])
def test_every_message_says_how_sure_it_is_as_a_number_and_what_that_means(sure: float) -> None:
    assert ITEM.explained
    item = ITEM._replace(explained=ITEM.explained._replace(confidence=sure))
    meaning = confidence.of(sure).meaning
    for kind in KINDS:
        for made in (notice(item), notice(item, item._replace(incident_id=2))):
            sent = channels.render(kind, made, delivery_id="d", created_at=CREATED_AT)
            parts = [sent["html"], sent["text"]] if kind == "email" else [json.dumps(sent)]
            for part in parts:
                text = part.replace("&#8203;", "").replace(ZERO_WIDTH_SPACE, "").replace("\\u200b", "").replace("\\", "")
                assert text.count(meaning) >= 1, (kind, text)
                assert str(sure) in text, (kind, text)

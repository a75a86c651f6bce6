"""Each sentence of the policy has its row, each row its test, and the table is written down as it is."""

from __future__ import annotations

from tests.policy import table
from tests.policy.sentences import APART, SECTIONS, SENTENCES


def test_every_sentence_is_shown_or_has_a_reason_why_it_cannot_be() -> None:
    assert set(SENTENCES) - {row.sentence for row in table.rows()} - set(APART) == set()
    assert set(APART) <= set(SENTENCES)


def test_every_section_has_a_module_and_only_its_own_sentences() -> None:
    assert len(table.MODULES) == len(SECTIONS) == 11
    assert {sentence.partition(".")[0] for sentence in SENTENCES} == {str(number) for number in SECTIONS}
    for row in table.rows():
        assert row.file.startswith(f"tests/policy/test_policy_{int(row.sentence.partition('.')[0]):02}_"), row


def test_every_test_that_is_named_is_there() -> None:
    assert {test for row in table.rows() for test in row.also} - table.names() == set(), "it was renamed, or is gone"


def test_the_table_is_up_to_date() -> None:
    assert table.FILE.read_text(encoding="utf-8") == table.text(), "run `make privacy`"

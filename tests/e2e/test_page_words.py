"""The pages' own small rules, asked in the browser: the search line, times, titles, snippets, Markdown's links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e import browser
from tests.e2e.browser import Person
from tests.e2e.conftest import Product


@pytest.fixture(scope="module")
async def person(product: Product) -> AsyncIterator[Person]:
    async with browser.opened(product) as made:
        await made.sign_in()
        yield made


async def ask(person: Person, module: str, function: str, *arguments: Any) -> Any:
    code = "async ([module, name, given]) => (await import(module))[name](...given)"
    return await person.page.evaluate(code, [f"/lib/{module}.js", function, list(arguments)])


@pytest.mark.parametrize(
    ("line", "fields", "text"),
    [
        ("is:open level:error", {"status": "open", "level": "error"}, ""),
        ("env:production boom", {"environment": "production"}, "boom"),
        ('release:"my shop@1.0" card', {"release": "my shop@1.0"}, "card"),
        ('release:"a \\"b\\""', {"release": 'a "b"'}, ""),
        ("KeyError: plan redis:6379", {}, "KeyError: plan redis:6379"),  # a colon is common in messages
        ("is:open is:resolved", {"status": "resolved"}, ""),  # the last one counts
        ("IS:open Level:error", {"status": "open", "level": "error"}, ""),
        ('"level:error"', {}, "level:error"),  # in quotes it is text
        ("__proto__:x constructor:y", {}, "__proto__:x constructor:y"),
        ("assigned:me", {"assignee": "me"}, ""),
        ("user:jane@example.com", {"user": "jane@example.com"}, ""),
        ("tag:region=eu boom tag:free", {"tag": "region=eu\nfree"}, "boom"),  # of tags every one counts
        ('tag:"plan=very free"', {"tag": "plan=very free"}, ""),
        ("", {}, ""),
        ('"never closed', {}, '"never closed'),
    ],
)
async def test_a_search_line_means_what_it_says(person: Person, line: str, fields: dict[str, str], text: str) -> None:
    found = await ask(person, "search", "parse", line)
    assert (found["fields"], found["text"], found["problems"]) == (fields, text, [])
    written = await ask(person, "search", "format", found)
    again = await ask(person, "search", "parse", written)
    assert again["fields"] == fields


async def test_more_tags_than_can_be_looked_for_are_named(person: Person) -> None:
    found = await ask(person, "search", "parse", " ".join(f"tag:t{n}" for n in range(6)))
    assert "5 tags" in found["problems"][0]
    assert found["fields"]["tag"].count("\n") == 4


@pytest.mark.parametrize("line", ["is:closed", "level:awful", "assigned:bob"])
async def test_a_word_that_is_not_known_is_named_with_those_that_are(person: Person, line: str) -> None:
    found = await ask(person, "search", "parse", line)
    assert line in found["problems"][0]
    assert found["fields"] == {}


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "now"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (86_400 * 13, "13 d")]
)
async def test_times_are_counted_back(person: Person, seconds: int, shown: str) -> None:
    now = 1_800_000_000_000
    code = "async ([now, ago]) => (await import('/lib/format.js')).ago(new Date(now - ago * 1000).toISOString(), now)"
    assert await person.page.evaluate(code, [now, seconds]) == shown


@pytest.mark.parametrize(
    ("title", "kind", "message"),
    [
        ("KeyError: no plan", "KeyError", "no plan"),
        ("Disk full", None, "Disk full"),
        ("KeyError", "KeyError", ""),
        ("A: b", "C", "A: b"),
    ],
)
async def test_a_title_is_a_kind_and_a_message(person: Person, title: str, kind: str | None, message: str) -> None:
    found = await ask(person, "format", "titled", {"title": title, "kind": kind})
    assert found["message"] == message
    assert found["kind"] == (kind if message != title else "")


@pytest.mark.parametrize(
    ("sentence", "more"),
    [
        ("KeyError: 'plan_9' is raised in total in shop/pricing.py.", False),
        ("'plan_9' is raised in total.", False),  # the message alone is an echo, too
        ("KeyError: ‹plan_9› is raised in total in shop/pricing.py.", False),  # as texts of a model are made harmless
        ("KeyError: 'plan_9' is raised since migration 14 removed plans that old carts still name.", True),
        ("Old carts name a plan.", True),  # short, and no echo
    ],
)
async def test_a_list_has_an_analysis_in_a_line_where_it_tells_more_than_the_title(
    person: Person, sentence: str, more: bool
) -> None:
    incident = {"title": "KeyError: 'plan_9'", "kind": "KeyError", "culprit": "total in shop.pricing"}
    assert await ask(person, "format", "tellsMore", sentence, incident) is more


async def test_a_snippet_holds_the_key_once_whatever_the_key_is(person: Person) -> None:
    given = {"url": "https://sensra.example", "project_id": 7, "key": "KEY_URL_DSN"}
    assert await ask(person, "snippets", "filled", 'init("DSN")', given) == 'init("https://KEY_URL_DSN@sensra.example/7")'


@pytest.mark.parametrize(
    ("typed", "repository"),
    [("a/b", "a/b"), ("https://github.com/a/b.git", "a/b"), ("https://evil.example/a/b", None), ("a", None), ("a/b/c", None)],
)
async def test_a_repository_is_one_of_github_or_none(person: Person, typed: str, repository: str | None) -> None:
    assert await ask(person, "markdown", "repositoryOf", typed) == repository


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "Timeouts", "match": {"type": "*Timeout*", "tag.a.b": "x"}, "fingerprint": ["db", "{{ default }}"]},
        {"match": {}, "ignore_frames": {"module": "shop.retry*", "path": "*/lib/*"}},
        {"match": {"level": "error"}, "fingerprint": ["one"]},
    ],
)
async def test_a_grouping_rule_comes_out_of_its_form_as_it_went_in(person: Person, rule: dict[str, Any]) -> None:
    code = "async (rule) => { const it = await import('/lib/rule_forms.js'); return it.rulesOf(it.drafts([rule])); }"
    assert await person.page.evaluate(code, rule) == [rule]

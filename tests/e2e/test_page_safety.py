"""Hostile text in every field of an event runs nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, LiteralString, NamedTuple
from urllib.parse import quote

import httpx
import psycopg
import pytest

from tests.e2e import browser, filled
from tests.e2e.browser import Person, expect
from tests.e2e.conftest import Product

# Each says so if it runs.
ATTACKS = (
    "<img src=x onerror=\"noticed.push('ran: img')\">",
    "<script>noticed.push('ran: script')</script>",
    '"><svg onload="noticed.push(\'ran: svg\')">',
    "javascript:noticed.push('ran: url')",
    "' onmouseover='noticed.push(1)' x='",
    "<iframe srcdoc=\"<script>parent.noticed.push('ran: frame')</script>\"></iframe>",
    "</title></style></script><body onload=noticed.push('ran: body')>",
    "{{constructor.constructor('noticed.push(1)')()}}",
    "${noticed.push('ran: template')}",
    "<math><mi//xlink:href=\"data:x,<script>noticed.push('ran: math')</script>\">",
    "<style>@import '//evil.example/x.css';</style><link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/><form action=//evil.example><button formaction=javascript:noticed.push(1)>x</button></form>",
    "\u202e<b>right to left</b>\u2066",
    "__proto__",
)


def hostile_event(attack: str) -> dict[str, Any]:
    """An event with this text in every field that is shown, as value and as key."""
    frame = {
        "filename": attack,
        "abs_path": attack,
        "function": attack,
        "module": attack,
        "in_app": True,
        "lineno": 3,
        "pre_context": [attack],
        "context_line": attack,
        "post_context": [attack],
        "vars": {attack: attack, "x": {attack: [attack]}},
    }
    stack = {"frames": [frame | {"in_app": False}, frame]}
    return {
        "level": "error",
        "platform": attack,
        "release": attack,
        "environment": attack,
        "transaction": attack,
        "server_name": attack,
        "logger": attack,
        "dist": attack,
        "fingerprint": [attack],
        "service": attack,
        "exception": {
            "values": [
                {"type": attack, "value": attack, "module": attack, "stacktrace": stack},
                {
                    "type": attack,
                    "value": attack,
                    "module": attack,
                    "mechanism": {"type": attack, "source": attack},
                    "stacktrace": stack,
                },
            ]
        },
        "threads": {"values": [{"id": 1, "name": attack, "stacktrace": stack}]},
        "breadcrumbs": {
            "values": [{"message": attack, "category": attack, "type": attack, "level": attack, "data": {attack: attack}}]
        },
        "tags": {attack[:190]: attack[:190]},
        "user": {"id": attack, "username": attack, attack: attack},
        "request": {
            "url": attack,
            "method": attack,
            "headers": {attack: attack},
            "query_string": attack,
            "data": {attack: attack},
        },
        "contexts": {attack: {attack: attack}, "runtime": attack},
        "extra": {attack: attack},
        "modules": {attack: attack},
        "sdk": {"name": attack, "version": attack},
    }


@pytest.fixture(scope="module")
def incidents(product: Product) -> list[int]:
    """One incident for each attack."""
    headers = {"Authorization": f"Bearer {product.ingest_key}"}
    with httpx.Client(base_url=product.url, headers=headers, timeout=30) as client:
        answers = [client.post("/api/ingest", json=hostile_event(attack)).raise_for_status().json() for attack in ATTACKS]
    return [answer["items"][0]["incident_id"] for answer in answers]


class Named(NamedTuple):
    """A workspace of one project in which everything is named by an attack; incident: one of it, that somebody has."""

    workspace_id: int
    project_id: int
    incident_id: int


@pytest.fixture(scope="module")
def named(product: Product) -> Iterator[Named]:
    with (
        httpx.Client(base_url=product.url, headers=filled.headers(product), timeout=30) as client,
        psycopg.connect(product.database_url, autocommit=True) as conn,
    ):

        def post(path: str, body: Any = None, method: str = "POST") -> Any:
            answer = client.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        workspace = post("/api/workspaces", {"name": ATTACKS[4]})["id"]
        project = post(f"/api/workspaces/{workspace}/projects", {"name": ATTACKS[0][:80]})["id"]
        base = f"/api/projects/{project}"
        keys = [post(f"{base}/keys", {"name": attack[:80], "kind": "ingest"})["key"] for attack in ATTACKS]
        for attack in ATTACKS:
            post(f"{base}/views", {"name": attack[:80], "query": attack})
        target = {"kind": "email", "target": {"address": "owner@example.com"}}
        channels = [post(f"{base}/channels", {"name": attack[:80], **target})["id"] for attack in ATTACKS[:4]]
        filters = {"releases": [ATTACKS[1]], "routes": [ATTACKS[2]], "tags": {ATTACKS[0]: ATTACKS[2]}}
        rule = {"conditions": {"transitions": ["new"]}, "filters": filters, "channel_ids": channels[:2]}
        for attack in ATTACKS[:4]:
            post(f"{base}/alert-rules", {"name": attack[:80], **rule})
        post(f"{base}/channels/{channels[0]}/test")
        conn.execute("UPDATE deliveries SET last_error = %s WHERE project_id = %s", [ATTACKS[0], project])
        grouping = {"name": ATTACKS[1][:80], "match": {"tag." + ATTACKS[0]: ATTACKS[2]}, "fingerprint": [ATTACKS[3]]}
        post(f"{base}/grouping-rules", {"rules": [grouping], "version": 0}, "PUT")

        headers = {"Authorization": f"Bearer {keys[0]}"}
        for attack in ATTACKS[:6]:
            sent = client.post("/api/ingest", json=hostile_event(attack), headers=headers).raise_for_status().json()
        incident = sent["items"][0]["incident_id"]
        person = one(conn, "INSERT INTO people (clerk_user_id, email, name) VALUES ('hostile', %s, %s) RETURNING id",
                     ATTACKS[0], ATTACKS[5])  # fmt: skip
        conn.execute("INSERT INTO members (workspace_id, person_id, role) VALUES (%s, %s, 'member')", [workspace, person])
        post(f"{base}/incidents/{incident}/assignee", {"person_id": person}, "PUT")
        analysis = explain(conn, project, 10**12 - 1, incident, ATTACKS[0])
        post(f"{base}/incidents/{incident}/analyses/{analysis}/correction", {"text": ATTACKS[1]}, "PUT")
        yield Named(workspace, project, incident)
        conn.execute("UPDATE workspaces SET deleted_at = now() WHERE id = %s", [workspace])  # out of the way of other tests


def one(conn: psycopg.Connection[Any], query: LiteralString, *given: Any) -> int:
    """The number that a statement answers."""
    row = conn.execute(query, given).fetchone()
    assert row
    return int(row[0])


def explain(conn: psycopg.Connection[Any], project_id: int, analysis_id: int, incident_id: int, attack: str) -> int:
    """An analysis as if nothing had made it harmless before it was stored; answers its id."""
    evidence = [{"function": attack, "module": attack, "file": attack, "line": 1, "source": attack, "shows": attack}]
    said = dict.fromkeys(("summary", "likely_cause", "suggested_fix"), f"[x](https://evil.example/) {attack}")
    return one(
        conn,
        "INSERT INTO analyses (project_id, id, incident_id, state, cause, created_at, due_at, finished_at, model, result,"
        " confidence) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, 'done', 'new', now(), now(), now(), 'm', %s, 0.62) RETURNING id",
        project_id, analysis_id, incident_id, json.dumps({**said, "severity": "high", "evidence": evidence}),
    )  # fmt: skip


@pytest.fixture
async def owner(product: Product) -> AsyncIterator[Person]:
    async with browser.opened(product) as person:
        await person.sign_in()
        yield person


async def test_hostile_text_is_shown_and_never_runs(product: Product, owner: Person, incidents: list[int]) -> None:
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=")
    await page.get_by_role("listitem").first.wait_for()
    for incident in incidents:
        await page.goto(f"{product.url}/projects/{product.project_id}/incidents/{incident}")
        await page.locator(".story").wait_for()
        # Everything that folds is opened, and everything that can be pointed at is.
        await page.evaluate(
            """() => { const all = (what) => document.querySelectorAll(what);
                       for (const one of all('details')) one.open = true;
                       for (const one of all('.frame-head[aria-expanded=false], .fold button')) one.click(); }"""
        )
        await page.locator(".hashed").first.wait_for()
        await page.evaluate(
            "() => { for (const one of document.querySelectorAll('main *'))"
            " one.dispatchEvent(new Event('mouseover', {bubbles: true})); }"
        )
        assert await page.locator("main :is(script, iframe, img, base, style, link, form, object)").count() == 0
        links = await page.evaluate("() => [...document.querySelectorAll('a[href]')].map((one) => one.href)")
        assert all(link.startswith(product.url) for link in links)
    assert await owner.all_noticed() == []


async def test_an_analysis_is_shown_as_text_with_its_confidence_and_where_it_comes_from(
    product: Product, owner: Person, incidents: list[int]
) -> None:
    for number, (incident, attack) in enumerate(zip(incidents, ATTACKS, strict=True)):
        with psycopg.connect(product.database_url, autocommit=True) as conn:
            explain(conn, product.project_id, 10**12 + number, incident, attack)
        page = await owner.open(f"/projects/{product.project_id}/incidents/{incident}")
        shown = page.get_by_role("region", name="Analysis")
        await shown.get_by_text("confidence 0.62, medium").wait_for()
        await shown.get_by_text("it fits the evidence, but so may something else").wait_for()
        await shown.get_by_text("Written by a model from redacted event data").wait_for()
        await shown.get_by_text("high severity").wait_for()
        await shown.get_by_text("What it rests on").click()
        assert attack.split()[0] in await shown.inner_text()
        assert await shown.locator(":is(a, script, iframe, img, base, style, link, form, object, svg)").count() == 0
    assert await owner.all_noticed() == []


# What opens a dialog; of each such word two buttons are enough.
OPENERS = """() => {
  const counts = new Map();
  const opens = (one) => /…$|^(Edit|Rotate|Revoke|Remove|Leave|New (key|rule|channel))$/.test(one.textContent.trim());
  return [...document.querySelectorAll('main button')].filter((one) => !one.disabled && opens(one)).filter((one) => {
    const word = one.textContent.trim();
    counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts.get(word) <= 2;
  }).map((one, index) => (one.dataset.opens = String(index), one.textContent.trim()));
}"""
MARKUP = ":is(main, header, dialog, .toasts) :is(script, iframe, img, base, style, object, form[action])"
FOREIGN = "() => [...document.querySelectorAll('a[href]')].map((one) => one.href)"


@pytest.mark.timeout(300)
async def test_hostile_names_of_what_people_make_run_nowhere(product: Product, owner: Person, named: Named) -> None:
    """On every page, with everything unfolded, every menu open, and in every dialog."""
    project, workspace = f"/projects/{named.project_id}", f"/workspaces/{named.workspace_id}"
    own = [f"{project}/{page}" for page in ("keys", "incidents", "alerts", "settings", "start", "usage")]
    own += [
        f"{project}/incidents/{named.incident_id}",
        *(f"{workspace}/{page}" for page in ("members", "audit", "data")),
        "/account",
    ]
    opened: set[str] = set()
    page = owner.page

    async def nothing_is_markup(where: str) -> None:
        assert await page.locator(MARKUP).count() == 0, where
        links = await page.evaluate(FOREIGN)
        assert all(link.startswith((product.url, "https://github.com/")) for link in links), where

    # What has to be there before anything is looked for, however slowly it comes.
    there = {"keys": ATTACKS[0][:80], "incidents": ATTACKS[5], "alerts": ATTACKS[3][:80], "members": ATTACKS[5]}
    for path in own:
        await owner.open(path)
        await page.locator("main :is(h1, h2)").first.wait_for(state="attached")
        text = there.get(path.rpartition("/")[2], "")
        await page.wait_for_function("(text) => document.querySelector('main').textContent.includes(text)", arg=text)
        if path.endswith(str(named.incident_id)):
            await page.get_by_text("Correct it…").wait_for()
        await page.wait_for_load_state("networkidle")
        await expect(page.locator("main .skeleton")).to_have_count(0)
        unfold = "() => { for (const one of document.querySelectorAll('details')) one.open = true }"
        await page.evaluate(unfold)
        await nothing_is_markup(path)
        for number, word in enumerate(await page.evaluate(OPENERS)):
            await page.evaluate(unfold)
            await page.evaluate(f"() => document.querySelector('[data-opens=\"{number}\"]')?.click()")
            if await page.locator("dialog").count():  # drawn by now, and shown a moment later
                await page.locator("dialog[open]").wait_for()
                opened.add(word)
                await nothing_is_markup(f"{path}: {word}")
                await page.keyboard.press("Escape")
                await page.locator("dialog[open]").wait_for(state="detached")
    assert {"New key", "Edit", "Delete…", "Rotate", "Revoke", "Remove", "Correct it…", "Merge…"} <= opened
    await owner.open(f"{project}/incidents")
    await page.get_by_role("listitem").first.wait_for()
    await nothing_is_markup("list")
    assert ATTACKS[5] in await page.get_by_role("list", name="Incidents").inner_text()  # who has it
    await page.keyboard.press("Control+k")
    for words in ("<img", "noticed"):
        await page.get_by_role("dialog").get_by_role("combobox").fill(words)
        await page.get_by_role("option").filter(has_text="incident #").first.wait_for()
        await nothing_is_markup("palette")
    assert await owner.all_noticed() == []


async def test_hostile_text_in_the_address_runs_nowhere(product: Product, owner: Person) -> None:
    for attack in ATTACKS:
        word = quote(attack)
        await owner.open(f"/projects/{product.project_id}/incidents?q={word}&sort={word}&trend={word}")
        await owner.page.locator("#search").wait_for()
        await owner.open(f"/projects/{product.project_id}/incidents/{quote(attack, safe='')}")
        await owner.page.get_by_role("alert").wait_for()
    assert [line for line in await owner.all_noticed() if "Failed to load resource" not in line] == []


async def test_copied_markdown_ends_no_code_block_early(product: Product, owner: Person) -> None:
    page = await owner.open("/health")
    payload = {"exception": {"values": [{"type": "E", "value": "```\n# not a heading\n````"}]}}
    text = await page.evaluate(
        """async (payload) => (await import('/lib/markdown.js')).markdown(
             {title: '**E**', event_count: 1, first_seen: '2026-01-01', last_seen: '2026-01-01', environments: [], id: 1},
             {payload}, 'x')""",
        payload,
    )
    assert text.count("`````") == 2
    assert "\\*\\*E\\*\\*" in text

"""Pages on which a project is run: keys, rules with their dry run, limits, where events went."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator

import anyio
import httpx
import psycopg
import pytest

from tests.e2e import browser, demo
from tests.e2e.browser import Person, expect
from tests.e2e.conftest import Product


@pytest.fixture
async def owner(product: Product) -> AsyncIterator[Person]:
    async with browser.opened(product) as person:
        await person.sign_in()
        yield person
        assert await person.all_noticed() == []


async def test_a_key_is_shown_once_works_is_rotated_and_revoked(product: Product, owner: Person) -> None:
    page = await owner.open(f"/projects/{product.project_id}/keys")
    await page.get_by_role("button", name="New key").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for()
    await page.keyboard.type("Checkout")  # the dialog begins in its first field
    await page.keyboard.press("Enter")
    issued = page.get_by_role("region", name="The new key")
    secret = await issued.locator("code").first.inner_text()
    async with httpx.AsyncClient(base_url=product.url) as client:
        body, headers = {"message": "With a new key"}, {"Authorization": f"Bearer {secret}"}
        assert (await client.post("/api/ingest", json=body, headers=headers)).status_code == 200
    await page.get_by_role("button", name="I have it").click()
    assert secret not in await page.content()
    row = page.get_by_role("row").filter(has_text="Checkout")
    await row.get_by_role("button", name="Rotate").click()
    await page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    await issued.wait_for()
    assert await issued.locator("code").first.inner_text() != secret
    await expect(row).to_have_count(2)
    await row.first.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await page.get_by_text("Checkout is revoked").wait_for()
    await expect(page.locator("table").first.get_by_role("row").filter(has_text="Checkout")).to_have_count(1)


async def test_a_project_is_made_and_its_first_event_arrives(product: Product, owner: Person) -> None:
    page = await owner.open("/projects/new")
    await page.get_by_label("Name").fill("Warehouse")
    await page.get_by_role("button", name="Make the project").click()
    await page.get_by_role("heading", name="Send events to Warehouse").wait_for()
    await page.get_by_role("button", name="Create a key").click()
    await expect(page.get_by_label("Ingest key")).to_have_value(re.compile("sns_ingest_"))
    key = await page.get_by_label("Ingest key").input_value()
    await page.get_by_role("group", name="Platform").get_by_role("button", name="Python").click()
    snippet = await page.locator(".block pre").last.inner_text()
    assert key in snippet
    # Run as it stands, with the real SDK.
    ended = await anyio.run_process([sys.executable, "-c", snippet], check=False)
    assert b"Hello from Python" in ended.stderr
    await page.get_by_role("link", name="ValueError: Hello from Python").click()
    await page.get_by_role("heading", level=1, name="ValueError").wait_for()


async def test_rules_are_tried_before_they_are_set(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 40)
    page = await owner.open(f"/projects/{product.project_id}/settings")
    for button in await page.get_by_role("button", name="Save", exact=True).all():
        await expect(button).to_be_disabled()
    await page.get_by_label("Names whose values are removed").fill("cart value")
    await page.get_by_text("Not saved yet").wait_for()
    await page.get_by_role("link", name="Keys").click()
    await page.get_by_role("heading", name="Keys").wait_for()
    await page.go_back()
    await expect(page.get_by_label("Names whose values are removed")).to_have_value("cart value")
    await page.get_by_role("button", name="Try on recent events").first.click()
    await page.get_by_text("would still remove").wait_for()
    await page.get_by_role("button", name="Save", exact=True).first.click()
    await page.get_by_text("These hold for events from now on").wait_for()
    await page.get_by_text("Not saved yet").wait_for(state="detached")
    await page.reload()
    await expect(page.get_by_label("Names whose values are removed")).to_have_value("cart value")
    form = page.get_by_role("form", name="Grouping rules")
    await form.get_by_role("button", name="Add a rule").click()
    await form.get_by_label("Name").fill("Every error")
    await form.get_by_label("Pattern").fill("*Error")
    await form.get_by_label("Fingerprint").fill("all")
    await form.get_by_role("button", name="Try on recent events").click()
    await page.get_by_text("would join").first.wait_for()
    await form.get_by_role("button", name="Add a rule").click()
    second = form.get_by_role("group", name="Rule 2")
    await second.get_by_label("What it does").select_option("leaves frames out of the grouping")
    await second.get_by_role("group", name="Frames of which").get_by_label("Pattern").fill("shop.retry*")
    await form.get_by_role("button", name="Move rule 2 up").click()
    await page.get_by_role("button", name="Edit as JSON").click()
    text = page.get_by_label("Rules, as JSON")
    assert json.loads(await text.input_value()) == [
        {"match": {}, "ignore_frames": {"module": "shop.retry*"}},
        {"name": "Every error", "match": {"type": "*Error"}, "fingerprint": ["all"]},
    ]
    for wrong in ("[{", "{}", "[1]"):
        await text.fill(wrong)
        await page.get_by_role("button", name="Edit as a form").click()
        await page.get_by_text(re.compile("This is no JSON|Rules are a list")).wait_for()
    await text.fill('[{"match": {"tag.region": "eu"}, "fingerprint": ["{{ default }}", "eu"]}]')
    await form.get_by_role("button", name="Save").click()
    await page.get_by_text("These hold for events from now on").last.wait_for()
    await page.reload()
    await expect(form.get_by_label("Name of the tag")).to_have_value("region")
    await expect(form.get_by_label("Fingerprint")).to_have_value("{{ default }}\neu")
    await form.get_by_role("button", name="Remove rule 1").click()
    await form.get_by_role("button", name="Save").click()
    await page.get_by_text("No rule: events are grouped by their crash alone").wait_for()


async def test_a_repository_is_set_for_everybody_and_issues_are_written_there(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/settings")
    await page.get_by_label("Repository").fill("https://github.com/acme/shop.git")
    await page.get_by_role("button", name="Save repository").click()
    await page.get_by_text("New issues go to acme/shop").wait_for()
    async with browser.opened(product) as member:
        await member.sign_in("member@example.com")
        seen = await member.open(f"/projects/{product.project_id}/incidents?q=")
        await seen.locator("a.title").first.click()
        await seen.get_by_role("button", name="GitHub issue").click()
        await expect(seen.get_by_role("dialog").get_by_label("Repository")).to_have_value("acme/shop")
        await seen.context.route("https://github.com/**", lambda route: route.fulfill(body="GitHub"))
        async with seen.context.expect_page() as opened:
            await seen.get_by_role("button", name="Open GitHub").click()
        address = (await opened.value).url
    assert address.startswith("https://github.com/acme/shop/issues/new?")
    assert "title=" in address
    assert "body=" in address


async def test_whoever_may_not_change_is_told_so(product: Product) -> None:
    async with browser.opened(product) as member:
        await member.sign_in("member@example.com")
        page = await member.open(f"/projects/{product.project_id}/settings")
        await page.get_by_text("Changing them needs the role admin").wait_for()
        await expect(page.get_by_role("button", name="Save limits")).to_be_disabled()


async def test_where_events_went_is_told_with_the_reason(product: Product, owner: Person) -> None:
    async with httpx.AsyncClient(base_url=product.url) as client:
        headers = {"Authorization": f"Bearer {product.ingest_key}"}
        await client.post("/api/ingest", json={"level": "error"}, headers=headers)  # says nothing: refused
        taken = await client.post("/api/ingest", json={"message": "Taken"}, headers=headers)
    event_id = taken.json()["items"][0]["event_id"]
    page = await owner.open(f"/projects/{product.project_id}/usage?hours=24")
    await page.get_by_text("stored", exact=True).wait_for()
    await page.get_by_role("heading", name="What was used").wait_for()
    await page.get_by_text("events are not limited by the month").wait_for()
    await page.get_by_label("Event id").fill(event_id)
    await page.get_by_role("button", name="Find it").click()
    await page.get_by_text("and is in incident").wait_for()
    await page.get_by_label("Event id").fill("f" * 32)
    await page.keyboard.press("Enter")
    await page.get_by_text("No event with this id is stored in this project").wait_for()
    with psycopg.connect(product.database_url, autocommit=True) as conn:
        conn.execute("UPDATE workspaces SET events_per_month_max = 10000000 WHERE slug = 'demo'")
    await page.reload()
    await page.get_by_text("of 10,000,000 events of this month").wait_for()
    with psycopg.connect(product.database_url, autocommit=True) as conn:
        conn.execute("UPDATE workspaces SET events_per_month_max = NULL WHERE slug = 'demo'")
    owner.noticed.clear()  # the browser's own line about the event that is not there

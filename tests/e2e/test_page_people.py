"""Pages about people: an invitation that a second person accepts, roles, and what the audit log keeps of it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

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


async def test_an_invitation_is_accepted_by_a_second_person_and_stands_in_the_log(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open("/")
    await page.get_by_role("link", name="Members").click()
    await page.get_by_label("E-mail address").fill("new.person@example.com")
    await page.get_by_role("button", name="Invite").click()
    link = await page.locator(".issued code").inner_text()
    async with browser.opened(product) as guest:
        invited = guest.page
        await invited.goto(link)
        # Not signed in yet: the way leads through sign-in, and back to the invitation.
        await invited.get_by_label("e-mail address").fill("new.person@example.com")
        await invited.get_by_role("button", name="Sign in").click()
        await invited.get_by_role("heading", name="Join Demo").wait_for()
        await invited.get_by_role("button", name="Accept").click()
        await invited.wait_for_url("**/incidents")
        await invited.goto(product.url + f"/projects/{product.project_id}/incidents?q=")
        await invited.get_by_label("Search incidents").wait_for()
        await invited.goto(link)
        await invited.get_by_role("alert").wait_for()  # it opens once
        await page.reload()
        role = page.get_by_label("Role of new.person@example.com")
        await role.select_option("viewer")
        await page.get_by_text("is viewer now").first.wait_for()
        await assert_offered_nothing_to_change(product, invited)
    await page.get_by_role("link", name="Audit log").click()
    await page.get_by_role("cell", name="invitation accept").first.wait_for()
    await page.get_by_role("button", name="Refused attempts").click()
    await page.wait_for_url("**refused=1")


async def assert_offered_nothing_to_change(product: Product, page: Any) -> None:
    """Of what a viewer may not do, no button and no key is there."""
    await page.goto(product.url + f"/projects/{product.project_id}/incidents?q=PaymentDeclined")
    row = page.get_by_role("list", name="Incidents").get_by_role("listitem").first
    await row.wait_for()
    await expect(page.get_by_role("checkbox")).to_have_count(0)
    await expect(page.get_by_text("Keep this search")).to_have_count(0)
    for keys in ("j", "x", "e"):
        await page.keyboard.press(keys)
    await expect(page.get_by_text("chosen")).to_have_count(0)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Copy as Markdown").wait_for()
    for keys in ("e", "i", "a", "m"):
        await page.keyboard.press(keys)
    await expect(page.get_by_role("toolbar").get_by_role("button")).to_have_text(["Copy as Markdown", "GitHub issue…"])
    await expect(page.get_by_role("toolbar").get_by_role("group")).to_have_count(0)  # menus
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".toast")).to_have_count(0)


async def test_the_last_owner_cannot_leave_and_is_told_why(product: Product, owner: Person) -> None:
    page = await owner.open("/")
    await page.get_by_role("link", name="Members").click()
    await page.get_by_role("button", name="Leave").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await page.get_by_role("alert").wait_for()
    await expect(page.get_by_role("dialog")).to_be_visible()
    owner.noticed.clear()  # the browser's own line about the refusal


async def test_an_incident_says_how_its_analysis_stands(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=")
    await page.locator("a.title").first.click()
    await page.get_by_role("heading", name="Analysis").wait_for()


async def test_an_incident_says_what_changed_last_and_keeps_its_activity(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=RangeError")
    await page.locator("a.title").first.click()
    changed, activity = page.locator(".changed"), page.get_by_role("region", name="Activity")
    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(changed).to_contain_text("Owner resolved it")
    await page.get_by_role("button", name="Reopen").click()
    await expect(changed).to_contain_text("Owner reopened it")
    await page.get_by_text("Ignore", exact=True).click()
    await page.get_by_role("button", name="for a week").click()
    await expect(changed).to_contain_text("Owner ignored it until")
    for line in ("Owner resolved it", "Owner reopened it", "Owner ignored it until", "Seen for the first time"):
        await expect(activity).to_contain_text(line)
    await page.get_by_role("button", name="Reopen").click()
    await page.get_by_text("Ignore", exact=True).click()
    await page.get_by_role("button", name="until 100 more events").click()
    figures = page.get_by_role("region", name="Figures")
    await expect(figures).to_contain_text(re.compile(r"ignored until \d+ events"))
    before = await figures.inner_text()
    await page.keyboard.press("e")
    await expect(figures).not_to_contain_text("ignored until")
    await page.keyboard.press("z")
    await expect(figures).to_have_text(re.compile(re.escape(before.split("Status")[1].split("since")[0].strip())))


async def test_an_incident_is_given_to_any_member(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=DeadlockDetected")
    await page.locator("a.title").first.click()
    await page.get_by_text("Assign", exact=True).click()
    await page.get_by_role("button", name="to Member").click()
    await page.get_by_text("is with Member now").wait_for()
    await expect(page.get_by_role("region", name="Activity")).to_contain_text("Owner gave it to Member")


@pytest.mark.timeout(150)
async def test_an_analysis_leads_to_the_frames_it_rests_on_and_stands_in_the_list(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=UnicodeDecodeError")
    await page.locator("a.title").first.click()
    explain = page.get_by_role("button", name=re.compile("Explain this|Again"))
    await explain.click(timeout=60_000)  # it may be written at this moment, unasked
    rests = page.get_by_text("What it rests on")
    await rests.wait_for(timeout=60_000)
    await page.evaluate("() => { for (const one of document.querySelectorAll('.frame-head[aria-expanded=true]')) one.click(); }")
    await rests.click()
    await page.locator(".evidence button").first.click()
    await expect(page.locator(".frame-head:focus")).to_have_attribute("aria-expanded", "true")
    await page.get_by_role("button", name="Helpful", exact=True).click()
    await page.get_by_text("Thank you").wait_for()
    # The stand-in tells no more than the title does, which the list leaves out.
    with psycopg.connect(product.database_url, autocommit=True) as conn:
        conn.execute(
            "UPDATE analyses SET result = result || %s WHERE project_id = %s AND state = 'done' AND result ->> 'summary' LIKE %s",
            [json.dumps({"summary": "Nightly imports stop where suppliers send prices in Latin-1."}), product.project_id,
             "UnicodeDecodeError%"],
        )  # fmt: skip
    await page.goto(f"{product.url}/projects/{product.project_id}/incidents?q=UnicodeDecodeError")
    await page.locator(".explained").first.wait_for()


async def test_an_incident_keeps_its_earlier_analyses_and_what_was_said_of_them(product: Product, owner: Person) -> None:
    demo.send(product.url, product.ingest_key, 20)
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=ValidationError")
    await page.locator("a.title").first.click()
    await page.get_by_role("region", name="Analysis").wait_for()
    incident = int(re.search(r"/incidents/(\d+)", page.url)[1])  # type: ignore[index]
    # Of ids beyond those that are made meanwhile.
    made = [("done", None, None, "old-model"), ("failed", "refused", None, None), ("done", None, False, "older-model"),
            ("done", None, None, "new-model")]  # fmt: skip
    with psycopg.connect(product.database_url, autocommit=True) as conn:
        for number, (state, reason, helpful, model) in enumerate(made):
            said = {"summary": f"Summary {number}", "likely_cause": "c", "suggested_fix": "f", "severity": "low", "evidence": []}
            conn.execute(
                "INSERT INTO analyses (project_id, id, incident_id, state, cause, reason, created_at, due_at, finished_at, model,"
                " result, confidence, helpful, rated_at, input_tokens, output_tokens, cost_microdollars) OVERRIDING SYSTEM VALUE"
                " VALUES (%s, %s, %s, %s, 'growth', %s, now(), now(), now(), %s, %s, 0.5, %s, now(), 4321, 321, 593)",
                [product.project_id, 10**12 + 500 + number, incident, state, reason, model, json.dumps(said), helpful],
            )
    await page.reload()
    shown = page.get_by_role("region", name="Analysis")
    await shown.get_by_text("Summary 3").wait_for()
    await shown.get_by_text("How it was made").click()
    for told in ("new-model", "4,321 read", "321 written", "$0.00059"):
        await shown.get_by_text(told).first.wait_for()
    helpful = shown.get_by_role("button", name="Helpful", exact=True)
    await expect(helpful).to_have_attribute("aria-pressed", "false")
    await helpful.click()
    await expect(helpful).to_have_attribute("aria-pressed", "true")
    await expect(shown.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "false")
    earlier = shown.locator(".earlier")
    await earlier.get_by_text("Earlier analyses").click()
    await earlier.get_by_text("The model refused to answer, twice.").wait_for()
    await expect(earlier.get_by_text("new-model")).to_have_count(0)
    await earlier.get_by_text("older-model · not helpful").click()
    await earlier.get_by_text("Summary 2").wait_for()
    await expect(earlier.get_by_text("Summary 0")).to_be_hidden()


async def test_people_see_what_is_held_and_what_deleting_would_mean(product: Product, owner: Person) -> None:
    page = await owner.open("/account")
    await page.get_by_role("main").get_by_text("owner@example.com").wait_for()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export all of it").click()
    assert (await download.value).suggested_filename.endswith(".zip")
    await page.get_by_role("button", name="Delete your account").click()
    dialog = page.get_by_role("dialog", name="Delete your account")
    await dialog.get_by_text("Demo").wait_for()
    await expect(dialog.get_by_role("button", name="Delete", exact=True)).to_be_disabled()


async def test_a_link_that_was_cut_off_says_what_to_do(owner: Person) -> None:
    page = await owner.open("/invitation#inv_cut")
    await page.get_by_role("heading", name="This link is not whole").wait_for()

"""Pages about people: an invitation that a second person accepts, roles, and what the audit log keeps of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

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
    await page.get_by_role("link", name="Audit log").click()
    await page.get_by_role("cell", name="invitation accept").first.wait_for()
    await page.get_by_role("button", name="Refused attempts").click()
    await page.wait_for_url("**refused=1")


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

"""Pages of alerts and of data: a rule with its preview, a channel with its test, mail in the outbox, export, erase, the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.e2e import browser, demo
from tests.e2e.browser import Person, expect
from tests.e2e.conftest import Product


@pytest.fixture
async def owner(product: Product) -> AsyncIterator[Person]:
    demo.send(product.url, product.ingest_key, 40)
    async with browser.opened(product) as person:
        await person.sign_in()
        yield person
        assert await person.all_noticed() == []


async def test_a_channel_is_made_and_tested_and_a_rule_says_what_it_would_have_told(product: Product, owner: Person) -> None:
    page = await owner.open(f"/projects/{product.project_id}/alerts")
    await page.get_by_role("button", name="New channel").click()
    await page.get_by_label("Name").fill("Everybody on duty")
    await page.get_by_role("button", name="Save").click()
    channel = page.get_by_role("listitem").filter(has_text="Everybody on duty").last
    await channel.get_by_role("button", name="Send a test").click()
    await page.get_by_text("A test is on its way").wait_for()
    deliveries = page.get_by_role("region", name="Deliveries")
    await deliveries.get_by_role("row").filter(has_text="Everybody on duty").first.wait_for()
    await page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog", name="New rule")
    await dialog.get_by_label("Name").fill("What is new")
    await dialog.get_by_text("In the last week it would have told").wait_for()
    await dialog.get_by_label("Everybody on duty").check()
    await dialog.get_by_role("button", name="Save").click()
    rule = page.get_by_role("listitem").filter(has_text="What is new")
    await rule.wait_for()
    await rule.get_by_text("More", exact=True).click()
    await rule.get_by_role("button", name="Mute for a day").click()
    await rule.get_by_text("muted until").wait_for()


async def test_a_rule_is_narrowed_by_release_service_route_and_tag_and_says_what_does_not_go_together(
    product: Product, owner: Person
) -> None:
    page = await owner.open(f"/projects/{product.project_id}/alerts")
    await page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog", name="New rule")
    await dialog.get_by_label("Name").fill("The shop's own")
    await dialog.get_by_text("Only of releases, services, routes or tags").click()
    for label, lines in (("Releases", "shop@2.*\nshop@3.*"), ("Services", "checkout"), ("Routes", "/api/*"),
                         ("Tags", "customer:acme-*\nregion")):  # fmt: skip
        await dialog.get_by_label(label).fill(lines)
    await dialog.get_by_text("In the last week it would have told nothing").wait_for()
    await dialog.get_by_label("or 10, 100, 1,000").check()
    await dialog.get_by_text("tags are known of single events").wait_for()
    await dialog.get_by_label("or 10, 100, 1,000").uncheck()
    await dialog.get_by_role("button", name="Save").click()
    rule = page.get_by_role("listitem").filter(has_text="The shop's own")
    await rule.get_by_text(
        "release is shop@2.* or shop@3.* and service is checkout and route is /api/* and tag is customer:acme-* and region:*"
    ).wait_for()
    await rule.get_by_role("button", name="Edit").click()
    edited = page.get_by_role("dialog", name="Rule The shop's own")
    await expect(edited.get_by_label("Releases")).to_have_value("shop@2.*\nshop@3.*")
    await expect(edited.get_by_label("Tags")).to_have_value("customer:acme-*\nregion:*")
    owner.noticed = [line for line in owner.noticed if "400" not in line]  # the one refused trial, which Chromium tells of


async def test_a_rule_is_given_every_condition_and_quiet_hours_and_a_channel_is_switched_off_and_on(
    product: Product, owner: Person
) -> None:
    page = await owner.open(f"/projects/{product.project_id}/alerts")
    await page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog", name="New rule")
    await dialog.get_by_label("Name").fill("What is odd")
    for one in ("new", "regressed"):
        await dialog.get_by_label(one, exact=True).uncheck()
    await dialog.get_by_label("or so many times the usual").fill("5")
    await dialog.get_by_label("or more people than").fill("0")
    await dialog.get_by_label("10, 100, 1,000").check()
    await dialog.get_by_text("In the last week it would have told").wait_for()
    await dialog.get_by_label("Quiet from").fill("22:00")
    await dialog.get_by_label("until", exact=True).fill("06:30")
    await dialog.get_by_role("button", name="Save").click()
    rule = page.get_by_role("listitem").filter(has_text="What is odd")
    await rule.get_by_text("5 times the usual in 60 min; more than 0 people; 10, 100, 1,000").wait_for()
    await rule.get_by_text("Quiet from 22:00 to 06:30").wait_for()
    await rule.get_by_role("button", name="Edit").click()
    edited = page.get_by_role("dialog", name="Rule What is odd")
    await expect(edited.get_by_label("Quiet from")).to_have_value("22:00")
    await expect(edited.get_by_label("until", exact=True)).to_have_value("06:30")
    await edited.get_by_label("or more people than").fill("")
    await edited.get_by_role("button", name="Save").click()
    await rule.get_by_text("5 times the usual in 60 min; 10, 100, 1,000").wait_for()
    await page.get_by_role("button", name="New channel").click()
    await page.get_by_label("Name").fill("The pager")
    await page.get_by_label("E-mail address").fill("pager@elsewhere.example")
    await page.get_by_label("Messages an hour at most").fill("7")
    await page.get_by_role("button", name="Save").click()
    channel = page.get_by_role("listitem").filter(has_text="The pager")
    await channel.get_by_text("waits for consent").wait_for()
    await channel.get_by_text("7 an hour at most").wait_for()
    for button, told in (
        ("Ask once more", "was asked a moment ago"), ("Switch off", "The pager is off"), ("Switch on", "The pager is on"),
        ("Mute for a day", "The pager is silent"), ("Unmute", "The pager speaks again"),
    ):  # fmt: skip
        await channel.get_by_text("More", exact=True).click()
        await channel.get_by_role("button", name=button).click()
        await page.get_by_text(told).first.wait_for()
    owner.noticed.clear()  # the browser's own line about the address that was asked a moment ago


async def test_a_person_in_events_is_exported_and_erased_with_a_receipt(product: Product, owner: Person) -> None:
    page = await owner.open("/")
    await page.get_by_role("link", name="Data").click()
    await page.get_by_label("By").select_option("id")
    await page.get_by_label("Who").fill("customer-7")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export", exact=True).click()
    text = (await (await download.value).path()).read_text()
    # The file holds events alone: how far each part came is for whoever puts them together.
    found = [json.loads(line) for line in text.splitlines()]
    assert found
    assert all(one["event_id"] for one in found)
    await page.get_by_role("button", name="Erase").click()
    await page.get_by_role("dialog").get_by_role("button", name="Erase").click()
    await page.get_by_text("Receipt").first.wait_for()


async def test_a_workspace_is_exported_in_parts_that_can_be_downloaded(product: Product, owner: Person) -> None:
    page = await owner.open("/")
    await page.get_by_role("link", name="Data").click()
    await page.get_by_role("button", name="Export the workspace").click()
    async with page.expect_download() as download:
        await page.locator(".trial a[download]").first.click()
    assert (await download.value).suggested_filename.endswith(".zip")


async def test_retention_says_what_it_would_remove_before_it_is_set(product: Product, owner: Person) -> None:
    page = await owner.open(f"/projects/{product.project_id}/settings")
    days = page.get_by_label("Days that payloads are kept")
    await days.fill("1")
    await page.get_by_text("this would remove").wait_for()
    await days.fill("60")
    await page.get_by_role("button", name="Save retention").click()
    await page.get_by_text("What is stored follows within a day").wait_for()


async def test_a_project_is_deleted_only_when_its_name_is_typed_and_can_come_back(product: Product, owner: Person) -> None:
    page = await owner.open("/projects/new")
    await page.get_by_label("Name").fill("Short lived")
    await page.get_by_role("button", name="Make the project").click()
    await page.get_by_role("heading", name="Send events to Short lived").wait_for()
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Delete Short lived").click()
    delete = page.get_by_role("dialog").get_by_role("button", name="Delete")
    await expect(delete).to_be_disabled()
    await page.get_by_label("Type short-lived to go on").fill("short-lived")
    await delete.click()
    await page.wait_for_url("**/incidents")
    await page.get_by_role("link", name="Data").click()
    await page.get_by_role("button", name="Bring it back").click()
    await page.get_by_text("Short lived is back").wait_for()

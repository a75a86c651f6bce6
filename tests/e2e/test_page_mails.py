"""Where links in mails lead: each asks first, and whoever only looks, as scanners of mails do, changes nothing."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.e2e import browser
from tests.e2e.browser import expect
from tests.e2e.conftest import Product

MAIL_SECONDS_MAX = 90
pytestmark = pytest.mark.timeout(300)


class Desk:
    """The project's owner at the API, and what is in the outbox."""

    def __init__(self, product: Product, client: httpx.AsyncClient) -> None:
        self.product, self.client = product, client
        self.root = f"/api/projects/{product.project_id}"

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that is none of refusal."""
        answer = await self.client.request(method, self.root + path, json=body)
        return answer.raise_for_status().json()

    async def status(self, incident_id: int) -> Any:
        """Of an incident, and until when it is ignored."""
        found = await self.call("GET", f"/incidents/{incident_id}")
        return found["status"], found["ignored_until"]

    async def mail(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first such mail in the outbox."""
        async with asyncio.timeout(MAIL_SECONDS_MAX):
            while True:
                items = (await self.client.get("/local/mail.json")).json()["items"]
                if found := list(filter(wanted, items)):
                    return dict(found[0])
                await asyncio.sleep(0.2)


@pytest.fixture
async def desk(product: Product) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(base_url=product.url, timeout=20) as client:
        token = (await client.get(product.session_token_url, params={"email": "owner@example.com"})).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield Desk(product, client)


async def test_links_of_a_mail_ask_whoever_has_signed_in_and_looking_changes_nothing(product: Product, desk: Desk) -> None:
    for channel in (await desk.call("GET", "/channels"))["items"]:  # at once, whatever was told before
        await desk.call("PATCH", f"/channels/{channel['id']}", {"digest_minutes": 0, "hourly_max": 120})
    word = "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:10])
    event = {"error": {"type": "NewError", "message": f"{word} went wrong"}, "environment": "production", "level": "error"}
    await desk.client.post("/api/ingest", json=event, headers={"Authorization": f"Bearer {product.ingest_key}"})
    text = (await desk.mail(lambda one: word in one["text"]))["text"]
    about = text[text.index(word) :]  # a digest may tell of others before it
    [opens, resolves, mutes] = [re.findall(rf"{name}: +(\S+)", about)[0] for name in ("Open", "Resolve", "Mute")]
    incident_id = int(opens.rsplit("/", 1)[-1])
    async with httpx.AsyncClient() as scanner:
        assert [(await scanner.get(link)).status_code for link in (opens, resolves, mutes)] == [200, 200, 200]
    async with browser.opened(product) as person:
        page = person.page
        await page.goto(resolves)
        await page.get_by_role("link", name="owner@example.com").click()  # of the page on which one signs in
        asked = page.get_by_role("dialog", name="Resolve this incident?")
        await asked.get_by_text(word).wait_for()
        person.noticed.clear()  # the browser's own lines about who was not signed in yet
        assert await desk.status(incident_id) == ("open", None), "it asks"
        await asked.get_by_role("button", name="Cancel").click()
        await page.wait_for_url(opens)
        assert await desk.status(incident_id) == ("open", None)
        await page.goto(resolves)
        await asked.get_by_role("button", name="Resolve #").click()
        await page.get_by_text(f"Resolved #{incident_id}").wait_for()
        assert await desk.status(incident_id) == ("resolved", None)
        await page.goto(resolves)
        await asked.get_by_text("resolved already").wait_for()
        await page.goto(mutes)
        await page.get_by_role("dialog", name="Mute this incident?").get_by_role("button", name="for a week").click()
        await page.get_by_text(f"Ignored #{incident_id}").wait_for()
        status, until = await desk.status(incident_id)
        assert (status, until is not None) == ("ignored", True)
        await page.goto(opens + "?then=delete")
        await page.get_by_role("heading", level=1, name="NewError").wait_for()
        assert await page.get_by_role("dialog").count() == 0
        assert await person.all_noticed() == []


async def test_a_mails_own_link_ends_these_mails_by_a_button(product: Product, desk: Desk) -> None:
    target = {"address": "member@example.com"}  # a member, who need not be asked
    channel = await desk.call("POST", "/channels", {"kind": "email", "name": "A member", "target": target})
    await desk.call("POST", f"/channels/{channel['id']}/test")
    mail = await desk.mail(lambda one: one["to"] == [target["address"]])
    link = mail["headers"]["List-Unsubscribe"].strip("<>")
    async with browser.opened(product, browser.PHONE) as person:
        page = person.page
        await page.goto(link)
        await page.get_by_role("heading", name="End these alerts?").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="End them").click()
        await page.get_by_role("heading", name="They have ended").wait_for()
        await page.goto(link)
        await page.get_by_role("heading", name="They have ended").wait_for()
        assert await person.all_noticed() == []
        await page.goto(link + "x")
        await page.get_by_role("heading", name="This link has ended").wait_for()


async def test_whoever_ended_a_channels_mails_sees_that_nobody_gets_them_and_begins_them_again(
    product: Product, desk: Desk
) -> None:
    channel = await desk.call("POST", "/channels", {"kind": "email", "name": "Only for me"})
    await desk.call("POST", f"/channels/{channel['id']}/test")
    mail = await desk.mail(lambda one: "the channel Only for me" in one["text"].replace("\u200b", ""))
    async with browser.opened(product, browser.PHONE) as person:
        page = person.page
        await page.goto(mail["headers"]["List-Unsubscribe"].strip("<>"))
        await page.get_by_text("This ends the mails of the channel Only for me").wait_for()
        await page.get_by_role("button", name="End them").click()
        await page.get_by_text("Other channels go on").wait_for()
        await person.sign_in()
        await person.open(f"/projects/{product.project_id}/alerts")
        shown = page.get_by_role("listitem").filter(has_text="Only for me")
        await shown.get_by_text("nobody receives it").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await shown.get_by_role("button", name="Get them again").click()
        await page.get_by_text("Mails of Only for me go to you again").wait_for()
        await expect(shown.get_by_text("nobody receives it")).to_have_count(0)
        assert await person.all_noticed() == []

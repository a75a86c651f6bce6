"""The pages, as somebody uses them: from sign-in to triage, by mouse, by keyboard, on a phone."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest

from local import page_tools
from tests.e2e import browser, demo
from tests.e2e.browser import Person, expect
from tests.e2e.conftest import Product


@pytest.fixture(scope="module")
def shop(product: Product) -> str:
    """The demo project with a fortnight of events; a release that marks them out."""
    demo.send(product.url, product.ingest_key, 300)
    return "shop@2.15.0"


@pytest.fixture
async def owner(product: Product, shop: str) -> AsyncIterator[Person]:
    async with browser.opened(product) as person:
        await person.sign_in()
        yield person
        assert await person.all_noticed() == []


# What can be done here, and stands beside what a person sees.
OUT_OF_SIGHT = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter((one) => {
  if (!one.checkVisibility({ visibilityProperty: true }) || one.closest('.skip')) return false;
  if (one.closest('details:not([open])') && !one.matches('summary')) return false;
  const { left, right, width } = one.getBoundingClientRect();
  return width > 0 && (left < -1 || right > innerWidth + 1);
}).map((one) => one.outerHTML.slice(0, 120))"""


def listed(product: Product, line: str = "") -> str:
    return f"/projects/{product.project_id}/incidents?q={quote(line)}"


def test_types_of_the_pages_are_sound() -> None:
    assert page_tools.check_types() == ""


async def test_whoever_is_not_signed_in_signs_in_and_comes_back_to_the_same_address(product: Product, shop: str) -> None:
    async with browser.opened(product) as person:
        page = await person.open(listed(product, "release:" + shop))
        await page.get_by_role("link", name="owner@example.com").click()
        await page.get_by_role("list", name="Incidents").wait_for()
        assert page.url.endswith(listed(product, "release:" + shop))


async def test_a_search_narrows_the_list_and_stands_in_the_address(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product))
    await page.get_by_label("Search incidents").fill("level:fatal kettle")
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await page.wait_for_url("**level*kettle")
    await expect(rows).to_have_count(1)
    assert "AssertionError" in await rows.first.inner_text()
    await page.reload()
    assert await page.get_by_label("Search incidents").input_value() == "level:fatal kettle"
    await page.get_by_label("Search incidents").fill("level:awful")
    await page.get_by_text("level is one of fatal, error, warning, info, debug").wait_for()


async def test_a_person_and_tags_are_searched_for_and_what_that_looks_through_is_told(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product))
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await rows.nth(5).wait_for()
    everything = await rows.count()
    await page.get_by_label("Search incidents").fill("tag:plan=team tag:us user:customer-7")
    await page.wait_for_url("**customer-7")
    await expect(rows).not_to_have_count(everything)
    assert await rows.count() > 0
    for line in ("user:customer-7000", "tag:plan=nothing", "tag:region=team"):
        await page.get_by_label("Search incidents").fill(line)
        await page.get_by_text("Nothing fits this search").wait_for()
    await page.get_by_title("What can be searched for").click()
    await page.get_by_text("Looks through events whose payload is still kept").wait_for()


async def test_triage_works_by_keyboard_alone_and_can_be_undone(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "TemplateNotFound"))
    row = page.get_by_role("listitem").filter(has_text="TemplateNotFound")
    await row.wait_for()
    await page.keyboard.press("j")
    await page.keyboard.press("e")
    await page.get_by_text("Resolved #").wait_for()
    await row.get_by_text("resolved", exact=True).wait_for()
    await page.keyboard.press("z")
    await row.get_by_text("resolved", exact=True).wait_for(state="detached")
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name="TemplateNotFound").wait_for()
    await page.keyboard.press("i")
    await page.get_by_text("Ignored #").wait_for()
    await page.keyboard.press("u")  # to the list that one came from, as it was left, and as the incident is now
    await expect(page.get_by_label("Search incidents")).to_have_value("TemplateNotFound")
    await page.locator(".row.current").get_by_text("ignored", exact=True).wait_for()
    await page.get_by_role("button", name="Undo").click()
    await row.get_by_text("ignored", exact=True).wait_for(state="detached")
    await page.get_by_role("link", name="TemplateNotFound").click()
    await page.get_by_role("heading", level=1, name="TemplateNotFound").wait_for()
    await page.reload()
    await page.get_by_role("main").get_by_role("link", name="Incidents").click()
    await expect(page.get_by_label("Search incidents")).to_have_value("TemplateNotFound")
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="What the keys do").wait_for()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.get_by_role("dialog").get_by_role("combobox").wait_for()
    await page.keyboard.type("keys")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Keys").wait_for()


async def test_one_after_the_other_is_done_by_one_key_and_what_can_be_undone_does_not_go_from_under_the_pointer(
    product: Product, owner: Person
) -> None:
    await owner.page.clock.install()
    page = await owner.open(listed(product, "is:open level:warning"))
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await rows.nth(1).wait_for()
    await page.keyboard.press("j")
    undo = page.get_by_role("button", name="Undo")
    for index in (0, 1):
        await page.keyboard.press("i")
        await rows.nth(index).get_by_text("ignored", exact=True).wait_for()
        await expect(undo).to_have_count(index + 1)
    await expect(rows.nth(2).locator("a.title")).to_be_focused()
    await undo.last.hover()
    await page.clock.run_for(60_000)
    await expect(undo).to_have_count(1)
    await undo.click()
    await rows.nth(1).get_by_text("ignored", exact=True).wait_for(state="detached")
    await expect(undo).to_have_count(0)
    await page.goto(product.url + listed(product, "is:ignored level:warning"))
    await rows.first.get_by_text("ignored", exact=True).wait_for()
    await page.keyboard.press("j")
    await page.keyboard.press("o")
    await page.get_by_text("Reopened #").wait_for()
    # From one incident to the next of the list, without going back to it.
    await page.goto(product.url + listed(product, "level:warning"))
    await rows.nth(1).wait_for()
    titles = [await rows.nth(index).locator("a.title b").inner_text() for index in (0, 1)]
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name=titles[0]).wait_for()
    for keys, title in (("j", titles[1]), ("k", titles[0])):
        await page.keyboard.press(keys)
        await page.get_by_role("heading", level=1, name=title).wait_for()
    await page.keyboard.press("k")
    await page.get_by_text("There is no other one in the list").wait_for()


async def test_an_incident_tells_its_story_and_what_was_removed(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "PaymentDeclined"))
    await page.get_by_role("link", name="PaymentDeclined").click()
    await page.get_by_role("heading", level=1, name="PaymentDeclined").wait_for()
    await page.get_by_text("Because of").wait_for()
    assert await page.locator(".frame.own .source").count() >= 2
    assert await page.locator(".line.crash").first.inner_text()
    await page.get_by_role("button", name="9 frames of django").first.click()
    await page.get_by_text("step_3").first.wait_for()
    assert "jane@example.com" not in await page.content()
    assert "hunter2" not in await page.content()
    assert await page.locator("mark.redacted").count() > 3
    await page.get_by_text("Why these events are together").click()
    await page.locator(".fingerprints .hashed").first.wait_for()
    await page.get_by_role("button", name="Older event").click()
    await page.wait_for_url("**event=*")


async def test_events_are_stepped_through_to_the_oldest_and_by_release(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "PaymentDeclined"))
    await page.get_by_role("link", name="PaymentDeclined").click()
    name, release = page.locator(".event-name code"), page.locator(".event-name .release")
    position = page.get_by_role("group", name="Step between events").locator(".position")
    await name.wait_for()
    newest = await name.inner_text()
    total = (await page.locator(".facts .figure b").first.inner_text()).replace(",", "")
    await expect(position).to_have_text(f"{total} of {total}")
    await page.get_by_role("button", name="Oldest event").click()
    await expect(page.get_by_role("button", name="Older event")).to_be_disabled()
    await expect(name).not_to_have_text(newest)
    await expect(position).to_have_text(f"1 of {total}")
    oldest = await name.inner_text()
    await page.keyboard.press("]")
    await expect(name).not_to_have_text(oldest)
    await page.keyboard.press("[")
    await expect(name).to_have_text(oldest)
    await page.get_by_role("button", name="Newest event").click()
    await expect(name).to_have_text(newest)
    for wanted in ("shop@2.14.0", "shop@2.14.1", "shop@2.15.0"):  # the one between first and last, too
        await page.get_by_label("Events of release").select_option(wanted)
        await expect(release).to_have_text(wanted)
        newest = await name.inner_text()
        await page.keyboard.press("{")
        await expect(name).not_to_have_text(newest)
        await expect(release).to_have_text(wanted)
    await page.get_by_label("Events of release").select_option("")
    tagged = page.get_by_role("region", name="Tags of this event")
    for region in ("us", "eu"):
        await page.get_by_label("Events of tag").select_option(f"region={region}")
        await expect(tagged.get_by_text(region, exact=True)).to_be_visible()
    await page.get_by_label("Events of tag").select_option("")
    who = page.get_by_role("region", name="User", exact=True).get_by_text("customer-")
    person = await who.inner_text()
    await page.get_by_label("Events of person").select_option(person)
    await page.wait_for_url(f"**user={person}")
    await page.keyboard.press("{")
    await page.wait_for_url("**event=*")
    await expect(who).to_have_text(person)
    await page.get_by_role("link", name="team", exact=True).click()  # a tag's value leads to what else has it
    await expect(page.get_by_label("Search incidents")).to_have_value("tag:plan=team")
    await page.get_by_role("listitem").filter(has_text="PaymentDeclined").wait_for()


async def test_one_says_what_is_merged_into_what_by_title_too_and_it_can_be_undone_exactly(
    product: Product, owner: Person
) -> None:
    page = await owner.open(listed(product, "JSON"))
    await page.get_by_role("listitem").first.wait_for()
    await page.get_by_label("Search incidents").fill("env:production")
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await rows.nth(5).wait_for()
    before = await rows.count()
    for index in (0, 1):
        await rows.nth(index).get_by_role("checkbox").check()
    await page.get_by_role("button", name="Merge").click()
    dialog = page.get_by_role("dialog", name="Merge 2 incidents")
    await expect(dialog.locator("input:focus")).to_be_checked()
    stays = dialog.locator(".choice").last
    await stays.get_by_role("radio").check()
    number = (await stays.get_by_role("link").inner_text()).strip()
    await dialog.get_by_role("button", name=f"into {number}").click()
    await page.get_by_text(f"into {number}").wait_for()
    await expect(rows).to_have_count(before - 1)
    await page.get_by_role("button", name="Undo").click()
    await expect(rows).to_have_count(before)
    # One into another that is found by its title, by typing alone.
    word = await rows.nth(1).locator("a.title b").inner_text()
    await page.keyboard.press("j")
    await page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Merge into another incident")
    await dialog.wait_for()
    await page.keyboard.type(word)
    await dialog.locator(".choice").filter(has_text=word).first.wait_for()
    for keys in ("Tab", "Space", "Enter"):
        await page.keyboard.press(keys)
    await expect(rows).to_have_count(before - 1)
    await page.keyboard.press("z")
    await expect(rows).to_have_count(before)
    number = "#" + str(await rows.first.locator("a.title").get_attribute("href")).rpartition("/")[2]
    await rows.nth(1).locator("a.title").click()
    for typed, told in (("kettle nobody has", "No other incident has that"), (number, f"into {number}")):
        await page.get_by_role("button", name="Merge…").click()
        await dialog.get_by_role("textbox").fill(typed)
        await dialog.get_by_text(told).wait_for()
        await page.keyboard.press("Escape")


async def test_several_are_resolved_at_once_and_all_come_back(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "env:staging"))
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await rows.nth(1).wait_for()
    for index in (0, 1):
        await rows.nth(index).get_by_role("checkbox").check()
    await page.get_by_role("button", name="Resolve").click()
    await page.get_by_text("Resolved 2 incidents").wait_for()
    await expect(rows.get_by_text("resolved", exact=True)).to_have_count(2)
    await expect(page.get_by_role("button", name="resolved 2")).to_be_visible()  # what is counted follows
    await page.get_by_role("button", name="Undo").click()
    await expect(rows.get_by_text("resolved", exact=True)).to_have_count(0)
    # A range, all of them, and whatever one does to a single one.
    bar = page.get_by_role("toolbar", name="Chosen incidents")
    await rows.nth(2).get_by_role("checkbox").check()
    await rows.first.get_by_role("checkbox").click(modifiers=["Shift"])
    await bar.get_by_text("3 incidents chosen").wait_for()
    await rows.nth(1).get_by_role("checkbox").uncheck()
    await bar.get_by_role("button", name=re.compile(r"Choose all \d+ shown")).click()
    await expect(rows.get_by_role("checkbox", checked=False)).to_have_count(0)
    await bar.get_by_text("Assign", exact=True).click()
    await bar.get_by_role("button", name="to Member").click()
    await page.get_by_text("are with Member now").wait_for()
    await expect(rows.get_by_text("Member", exact=True)).to_have_count(await rows.count())
    await page.keyboard.press("z")
    await expect(rows.get_by_text("Member", exact=True)).to_have_count(0)
    await bar.get_by_text("▾", exact=True).click()
    await bar.get_by_role("button", name="in the next release").click()
    await expect(rows.get_by_text("resolved", exact=True)).to_have_count(await rows.count())
    await page.keyboard.press("z")
    await expect(rows.get_by_text("resolved", exact=True)).to_have_count(0)


async def test_facets_narrow_and_say_what_each_would_leave(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product))
    narrow = page.get_by_role("complementary", name="Narrow the list")
    await narrow.get_by_role("button", name="fatal 2").click()
    await page.wait_for_url("**level*fatal")
    rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
    await expect(rows).to_have_count(2)
    await narrow.get_by_role("button", name="fatal 2").click()
    await expect(page.get_by_label("Search incidents")).to_have_value("")


async def test_a_search_is_kept_under_a_name_for_everybody_in_the_project(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "level:fatal"))
    # A menu and its dialog are worked by typing alone, and the focus comes back.
    views, keep = page.locator("summary").filter(has_text="Views"), page.get_by_role("button", name="Keep this search")
    await views.focus()
    for again in (True, False):
        await page.keyboard.press("Enter")
        await keep.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("dialog", name="Keep this search").wait_for()
        if again:
            await page.keyboard.press("Escape")
            await expect(views).to_be_focused()
    await page.keyboard.type("What hurts")
    await page.keyboard.press("Enter")
    await page.get_by_text("“What hurts” is kept for everybody").wait_for()
    async with browser.opened(product) as member:
        await member.sign_in("member@example.com")
        page = await member.open(listed(product))
        await page.get_by_text("Views", exact=True).click()
        await page.get_by_role("link", name="What hurts").click()
        await expect(page.get_by_label("Search incidents")).to_have_value("level:fatal")


async def test_an_incident_is_taken_by_one_key_and_found_by_who_has_it(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "kettle"))
    await page.get_by_role("link", name="AssertionError").click()
    await page.get_by_role("heading", level=1, name="AssertionError").wait_for()
    await page.keyboard.press("a")
    await page.get_by_text("is with Owner now").wait_for()
    await page.get_by_role("heading", name="Tags", exact=True).wait_for()
    await page.goto(product.url + listed(product, "assigned:me"))
    await page.get_by_role("link", name="AssertionError").wait_for()


async def test_a_chart_tells_what_its_bars_hold_and_wears_the_theme_of_the_moment(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "PaymentDeclined"))
    await page.get_by_role("link", name="PaymentDeclined").click()
    chart, told = page.locator(".chart"), page.locator(".chart figcaption > span")
    await chart.locator("canvas").wait_for()
    await page.get_by_text("As a table").click()
    rows = chart.get_by_role("row")
    await expect(rows).to_have_count(1 + 28)  # two weeks by half days
    counts = [int(one) for one in await chart.locator("tbody td.right").all_inner_texts()]
    assert sum(counts) == int(await page.locator(".facts .figure b").first.inner_text())
    await expect(told).to_contain_text(f"{sum(counts)} events, most")
    await chart.get_by_role("slider").focus()
    for key, number in (("ArrowLeft", counts[0]), ("ArrowLeft", counts[1]), ("Home", counts[-1]), ("End", counts[0])):
        await page.keyboard.press(key)
        await expect(told).to_have_text(re.compile(rf"^{number} events?, "))
    await page.keyboard.press("Tab")
    await expect(told).to_contain_text("most")

    drawn = "document.querySelector('.chart canvas').toDataURL()"
    light = await page.evaluate(drawn)
    await page.emulate_media(color_scheme="dark")  # by the system
    await page.wait_for_function(f"(light) => {drawn} !== light", arg=light)
    dark = await page.evaluate(drawn)
    await page.locator(".menu.person > summary").click()
    await page.get_by_role("button", name="Light", exact=True).click()  # by the person
    await page.wait_for_function(f"(dark) => {drawn} !== dark", arg=dark)


async def test_new_arrivals_announce_themselves_and_move_nothing(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product))
    await page.get_by_role("listitem").first.wait_for()
    first = await page.get_by_role("listitem").first.inner_text()
    async with httpx.AsyncClient() as client:
        body = {"message": "Arrived meanwhile"}
        await client.post(f"{product.url}/api/ingest", json=body, headers={"Authorization": f"Bearer {product.ingest_key}"})
    button = page.get_by_role("button", name="with new events")
    await button.wait_for()
    assert await page.get_by_role("listitem").first.locator("a.title").inner_text() in first
    await button.click()
    await page.get_by_role("link", name="Arrived meanwhile").wait_for()


async def test_what_becomes_of_an_incident_meanwhile_is_seen_and_moves_nothing(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "DeadlockDetected"))
    await page.get_by_role("link", name="DeadlockDetected").click()
    figures, place = page.get_by_role("region", name="Figures"), page.get_by_role("heading", name="Event", exact=True)
    await page.locator(".event-name code").wait_for()
    shown = await page.locator(".event-name code").inner_text()
    kind = next(one for one in demo.KINDS if one.type == "DeadlockDetected")
    body = demo.event(kind, datetime.now(UTC), random.Random(1))
    async with httpx.AsyncClient(base_url=product.url, timeout=30) as client:
        await client.post("/api/ingest", json=body, headers={"Authorization": f"Bearer {product.ingest_key}"})
        token = (await client.get(product.session_token_url, params={"email": "owner@example.com"})).json()["token"]
        path = f"/api/projects/{product.project_id}/incidents/{page.url.rpartition('/')[2]}"
        answer = await client.patch(path, json={"status": "resolved"}, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
    arrived = page.get_by_role("button", name="1 new event. Show")
    await arrived.wait_for(timeout=40_000)
    await expect(figures.get_by_text("resolved")).to_be_visible()
    await page.get_by_role("button", name="Reopen").wait_for()
    assert await page.locator(".event-name code").inner_text() == shown
    before = await place.bounding_box()
    await page.locator(".arrived").evaluate("(one) => { one.style.display = 'none'; }")
    assert await place.bounding_box() == before
    await page.locator(".arrived").evaluate("(one) => { one.style.display = ''; }")
    await arrived.click()
    await expect(page.locator(".event-name code")).not_to_have_text(shown)
    await page.get_by_role("button", name="Reopen").click()
    await expect(arrived).to_have_count(0)


async def test_another_tenants_pages_are_not_found(product: Product, shop: str) -> None:
    async with browser.opened(product) as outsider:
        await outsider.sign_in("outsider@example.com")
        page = await outsider.open(listed(product))
        await page.get_by_text("There is no such project, or it is not yours to see").wait_for()
        assert "PaymentDeclined" not in await page.content()
        await page.goto(product.url)
        await page.wait_for_url("**/projects/*/incidents")
        assert f"/projects/{product.project_id}/" not in page.url


async def test_on_a_phone_nothing_sticks_out_and_resolving_works(product: Product, shop: str) -> None:
    async with browser.opened(product, browser.PHONE, has_touch=True) as person:
        await person.sign_in()
        page = await person.open(listed(product, "invoices"))
        await page.get_by_role("link", name="NoSuchKey").tap()
        await page.get_by_role("button", name="Resolve", exact=True).tap()
        await page.get_by_text("Resolved #").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="Menu").tap()
        await page.get_by_role("link", name="Health").tap()
        await page.get_by_role("heading", name="Health").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_on_a_phone_the_list_is_filtered_and_everything_that_can_be_done_is_in_sight(product: Product, shop: str) -> None:
    async with browser.opened(product, browser.PHONE, has_touch=True) as person:
        await person.sign_in()
        page = await person.open(listed(product))
        row = page.get_by_role("listitem").filter(has_text="ConnectionResetError")
        for shown in (row.locator(".sparkline"), row.get_by_text("people"), row.get_by_text("event"), row.locator(".release")):
            await expect(shown.first).to_be_visible()
        narrow = page.get_by_role("complementary", name="Narrow the list")
        await expect(narrow).to_be_hidden()
        await page.get_by_role("button", name="Filter").tap()
        await narrow.get_by_role("button", name="fatal 2").tap()
        await expect(page.get_by_label("Search incidents")).to_have_value("level:fatal")
        assert await page.evaluate(OUT_OF_SIGHT) == []
        here = f"/projects/{product.project_id}"
        for path, there, opens in (
            (f"{here}/keys", "Revoke", "New key"),
            (f"{here}/alerts", "New rule", "New rule"),
            ("/workspaces/1/members", "Leave", ""),
            (f"{here}/settings", "Save", ""),
        ):
            await person.open(path)
            await page.get_by_role("button", name=there).first.wait_for()
            assert await page.evaluate(OUT_OF_SIGHT) == []
            if opens:
                await page.get_by_role("button", name=opens, exact=True).tap()
                await page.get_by_role("dialog").get_by_role("button", name="Cancel").wait_for()
                assert await page.evaluate(OUT_OF_SIGHT) == []


async def test_a_lost_connection_is_said_plainly_and_the_row_goes_back(product: Product, owner: Person) -> None:
    page = await owner.open(listed(product, "is:open feeds"))
    await page.get_by_role("listitem").first.wait_for()
    await page.route("**/api/projects/*/incidents/*", lambda route: route.abort())
    await page.keyboard.press("j")
    await page.keyboard.press("e")
    await page.get_by_text("Sensra could not be reached").wait_for()
    assert await page.get_by_role("listitem").first.get_by_text("resolved", exact=True).count() == 0
    owner.noticed.clear()  # the browser's own line about the request

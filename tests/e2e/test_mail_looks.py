"""Mails as a browser engine shows them: on a phone nothing sticks out, whatever an event said, and at night they are dark."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from lib import channels, mail
from tests.e2e import tools
from tests.lib.channels.notices import CREATED_AT, ITEM, notice
from tests.lib.channels.test_email import hostile

PHONE, DESKTOP = 360, 1000
LOOKS = "({ wide: document.documentElement.scrollWidth, ground: getComputedStyle(document.body).backgroundColor })"


def pages() -> dict[str, str]:
    notices = {
        "one": notice(),
        "digest": notice(*[ITEM._replace(incident_id=number) for number in range(4)], omitted=3),
        "long words": notice(hostile("x" * 10_000).items[0]),
        "a digest of long words": hostile("https://" + "a.b/" * 900),
    }
    rendered = {
        name: channels.render("email", one, delivery_id="d1", created_at=CREATED_AT)["html"] for name, one in notices.items()
    }
    plain = mail.render_plain_mail(
        "Join Acme", ["Alice invites you."], button=("Accept", "https://sensra.test/"), footer="Sensra"
    )
    return rendered | {"system": plain["html"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_fits_its_screen_by_day_and_by_night(scheme: str) -> None:
    # Not a package of the environment (tools.py), so nothing that checks types could find it.
    playwright = importlib.import_module("playwright.async_api")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=tools.chromium(), args=["--no-sandbox"])
        for width in (PHONE, DESKTOP):
            page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            for name, content in pages().items():
                await page.set_content(content)
                looks: dict[str, Any] = await page.evaluate(LOOKS)
                assert looks["wide"] <= width, (name, width)
                assert looks["ground"] == {"light": "rgb(243, 244, 247)", "dark": "rgb(13, 17, 23)"}[scheme]
        await browser.close()

"""With Clerk: its own script signs in on /sign-in alone, and renews the session for pages whose policy does not let it run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import httpx
import pytest

from lib import sign_in
from lib.auth import LEEWAY_SECONDS
from local import clerk, serving
from tests.e2e import browser, clerk_frontend
from tests.e2e.conftest import Product, running


class Deployment(NamedTuple):
    """The product with Clerk, and what signs its sessions."""

    product: Product
    issuer: clerk.Issuer


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Set up as docs/deploy.md says, with a production instance's key."""
    listener, own = serving.listen(), serving.listen()
    origin = serving.url_of(own)
    own.close()
    issuer = clerk.Issuer(tmp_path_factory.mktemp("clerk") / "key.pem", clerk_frontend.URL, origin)
    named = {
        "CLERK_ISSUER": issuer.issuer, "CLERK_JWKS_URL": f"{serving.url_of(listener)}/.well-known/jwks.json",
        "CLERK_AUTHORIZED_PARTIES": origin, "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": clerk_frontend.PUBLISHABLE_KEY,
        "PORT": origin.rpartition(":")[2],
    }  # fmt: skip
    with serving.in_thread(clerk.create_app(issuer), listener), running(named) as product:
        yield Deployment(product, issuer)


@asynccontextmanager
async def visitor(deployment: Deployment, viewport: dict[str, int] | None = None) -> AsyncIterator[browser.Person]:
    """Somebody whom Clerk does not know yet in this browser."""
    async with browser.opened(deployment.product, viewport) as person:
        await clerk_frontend.Frontend(deployment.issuer).attach(person.page)
        yield person


async def sign_in_as_owner(person: browser.Person) -> None:
    """In Clerk's own form."""
    page = person.page
    await page.get_by_label("Email address").fill(clerk_frontend.EMAIL)
    await page.get_by_role("button", name="Continue", exact=True).click()
    await page.get_by_label("Password", exact=True).fill("any will do here")
    await page.get_by_role("button", name="Continue", exact=True).click()


async def test_a_session_that_ran_out_is_renewed_without_leaving_the_page(deployment: Deployment) -> None:
    incidents = f"/projects/{deployment.product.project_id}/incidents?q="
    async with visitor(deployment) as person:
        page = await person.open(incidents)
        await sign_in_as_owner(person)
        await page.get_by_label("Search incidents").wait_for()
        assert page.url.endswith(incidents)
        await page.evaluate("() => { window.stayed = true; }")
        await anyio.sleep(clerk_frontend.TOKEN_SECONDS + LEEWAY_SECONDS + 1)
        refused: list[str] = []
        page.on("response", lambda answer: refused.extend([answer.url] if answer.status == 401 else []))
        await page.get_by_role("link", name="Keys").click()
        await page.get_by_role("cell", name="demo").wait_for()
        assert refused  # the token had ended
        assert await page.evaluate("() => window.stayed")  # and nobody noticed
        assert await page.locator("#session-frame").count() == 1
        # Clerk's script runs in the frame only: the page itself could not load it.
        assert await page.evaluate("() => typeof window.Clerk") == "undefined"
        assert [line for line in await person.all_noticed() if "401" not in line] == []


async def test_signing_out_ends_the_session(deployment: Deployment) -> None:
    async with visitor(deployment) as person:
        page = await person.open("/health")
        await sign_in_as_owner(person)
        await page.get_by_role("heading", name="Health").wait_for()
        await page.locator("summary[title]").last.click()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_label("Email address").wait_for()
        await page.goto(deployment.product.url + "/health")
        await page.get_by_label("Email address").wait_for()


async def test_clerks_host_is_allowed_on_the_sign_in_page_alone(deployment: Deployment) -> None:
    found = {}
    async with httpx.AsyncClient(base_url=deployment.product.url) as client:
        config = (await client.get("/api/account/config")).json()
        for path in (
            "/sign-in",
            "/",
            f"/projects/{deployment.product.project_id}/incidents",
            "/account",
            "/health",
            "/app.js",
            "/privacy",
        ):
            found[path] = (await client.get(path)).headers["content-security-policy"]
    host = config["script_url"].removesuffix(sign_in.SCRIPT)
    script = {path: re.findall("script-src ([^;]*)", policy)[0].split() for path, policy in found.items()}
    assert script.pop("/sign-in") == ["'self'", host, sign_in.CHALLENGES]
    assert set(map(tuple, script.values())) == {("'self'",)}
    assert [path for path, policy in found.items() if host in policy] == ["/sign-in"]
    assert not any("unsafe-eval" in policy or "script-src 'unsafe" in policy for policy in found.values())

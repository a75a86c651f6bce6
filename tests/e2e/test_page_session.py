"""With Clerk: its script signs in on /sign-in alone, and renews the session for pages whose policy does not let it run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import anyio
import httpx
import pytest

from lib import sign_in
from lib.auth import LEEWAY_SECONDS
from local import clerk, serving
from tests.e2e import browser, clerk_script
from tests.e2e.conftest import Product, running


@pytest.fixture(scope="module")
def with_clerk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, with somebody else's issuer and its script."""
    listener, own = serving.listen(), serving.listen()
    url = serving.url_of(listener)
    origin = serving.url_of(own)
    own.close()
    issuer = clerk.Issuer(tmp_path_factory.mktemp("clerk") / "key.pem", url, origin)
    named = {
        "CLERK_ISSUER": url, "CLERK_JWKS_URL": issuer.jwks_url, "CLERK_AUTHORIZED_PARTIES": origin,
        "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": "pk_test_stand_in", "PORT": origin.rpartition(":")[2],
    }  # fmt: skip
    with serving.in_thread(clerk_script.beside(issuer), listener), running(named) as product:
        yield product


async def test_a_session_that_ran_out_is_renewed_without_leaving_the_page(with_clerk: Product) -> None:
    async with browser.opened(with_clerk) as person:
        page = await person.open(f"/projects/{with_clerk.project_id}/incidents?q=")
        await page.get_by_role("button", name="Sign in with Clerk").click()
        await page.get_by_label("Search incidents").wait_for()
        assert page.url.endswith(f"/projects/{with_clerk.project_id}/incidents?q=")
        await page.evaluate("() => { window.stayed = true; }")
        await anyio.sleep(clerk_script.TOKEN_SECONDS + LEEWAY_SECONDS + 1)
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


async def test_signing_out_ends_the_session(with_clerk: Product) -> None:
    async with browser.opened(with_clerk) as person:
        page = await person.open("/health")
        await page.get_by_role("button", name="Sign in with Clerk").click()
        await page.get_by_role("heading", name="Health").wait_for()
        await page.locator("summary[title]").last.click()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Sign in with Clerk").wait_for()
        await page.goto(with_clerk.url + "/health")
        await page.get_by_role("button", name="Sign in with Clerk").wait_for()


async def test_clerks_host_is_allowed_on_the_sign_in_page_alone(with_clerk: Product) -> None:
    found = {}
    async with httpx.AsyncClient(base_url=with_clerk.url) as client:
        config = (await client.get("/api/account/config")).json()
        for path in (
            "/sign-in",
            "/",
            f"/projects/{with_clerk.project_id}/incidents",
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

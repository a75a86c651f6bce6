"""What the sign-in page allows: Clerk's own host where there is Clerk, and nothing wider."""

from __future__ import annotations

import base64

from lib import settings, sign_in

HOST = "clerk.shop.example"
KEY = "pk_live_" + base64.b64encode(f"{HOST}$".encode()).decode()


def directives(policy: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in policy.split("; "))}


def test_with_clerk_its_own_host_may_run_there_and_no_other_clerk() -> None:
    found = directives(sign_in.policy(settings.read({"NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": KEY})))
    assert found["script-src"] == ["'self'", f"https://{HOST}", sign_in.CHALLENGES]
    assert found["connect-src"] == ["'self'", f"https://{HOST}"]
    assert found["default-src"] == ["'none'"]
    assert found["frame-ancestors"] == ["'self'"]
    assert not any("unsafe" in source for source in found["script-src"])


def test_without_clerk_nothing_foreign_may_run() -> None:
    found = directives(sign_in.policy(settings.read({"CLERK_ISSUER": "http://127.0.0.1:3000/local/clerk"})))
    assert {source for sources in found.values() for source in sources} == {"'none'", "'self'"}


def test_the_pages_are_told_of_clerk_or_of_the_issuers_page_or_of_neither() -> None:
    with_clerk = sign_in.config(settings.read({"NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": KEY}))
    assert with_clerk == {"publishable_key": KEY, "script_url": f"https://{HOST}{sign_in.SCRIPT}", "sign_in_url": None}
    with_issuer = sign_in.config(settings.read({"CLERK_ISSUER": "http://127.0.0.1:1/local/clerk"}))
    assert with_issuer["sign_in_url"] == "http://127.0.0.1:1/local/clerk/sign-in"
    assert set(sign_in.config(settings.read({})).values()) == {None}

"""The local issuer, believed by PyJWT exactly as Clerk would be."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from local import clerk, serving

PEOPLE = ("owner@example.com", "member@example.com")


def verify(issuer: clerk.Issuer, token: str) -> dict[str, Any]:
    key = jwt.PyJWKClient(issuer.jwks_url, timeout=3).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], issuer=issuer.issuer, options={"require": ["exp", "sub"]}
    )
    return claims


def test_a_token_is_verified_over_the_jwks_url(issuer: clerk.Issuer) -> None:
    claims = verify(issuer, issuer.token("alice@example.com"))
    assert claims["azp"] == issuer.origin
    assert claims["sub"] == clerk.subject_of("Alice@Example.com ")
    assert claims["sid"].startswith("sess_")
    assert claims["exp"] - time.time() <= clerk.TOKEN_SECONDS


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": 1}, jwt.ExpiredSignatureError),
        ({"nbf": 2**33}, jwt.ImmatureSignatureError),
        ({"iss": "https://elsewhere.example"}, jwt.InvalidIssuerError),
        ({"sub": None}, jwt.MissingRequiredClaimError),
    ],
)
def test_claims_can_be_spoilt_for_tests(issuer: clerk.Issuer, changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        verify(issuer, issuer.token("alice@example.com", **changes))


def test_the_token_endpoint_serves_programs(issuer: clerk.Issuer) -> None:
    answer = httpx.get(f"{issuer.issuer}/token", params={"email": "new+one@example.com"})
    assert verify(issuer, answer.json()["token"])["sub"] == clerk.subject_of("new+one@example.com")
    assert httpx.get(f"{issuer.issuer}/token").status_code == 400


def test_issuers_that_start_at_once_sign_with_one_key(tmp_path: Path) -> None:
    key_file = tmp_path / "new" / "key.pem"
    with ThreadPoolExecutor(6) as pool:
        issuers = list(pool.map(lambda _: clerk.Issuer(key_file, "http://one", "http://one"), range(6)))
    assert len({str(issuer.jwks) for issuer in issuers}) == 1
    assert list(key_file.parent.iterdir()) == [key_file]
    assert key_file.stat().st_mode & 0o077 == 0


def test_sessions_outlive_a_restart(tmp_path: Path) -> None:
    before = clerk.Issuer(tmp_path / "key.pem", "http://one", "http://one")
    after = clerk.Issuer(tmp_path / "key.pem", "http://one", "http://one")
    assert before.jwks == after.jwks
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0


def test_it_refuses_to_exist_on_vercel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERCEL", "1")
    with pytest.raises(RuntimeError, match="Vercel"):
        clerk.Issuer(tmp_path / "key.pem", "http://one", "http://one")


def test_the_sign_in_page_sets_the_session_cookie_and_goes_home(tmp_path: Path) -> None:
    listener = serving.listen()
    issuer = clerk.Issuer(tmp_path / "key.pem", serving.url_of(listener), "http://one")
    with serving.in_thread(clerk.create_app(issuer, PEOPLE), listener) as url, httpx.Client(base_url=url) as http:
        page = http.get("/sign-in")
        assert page.status_code == 200
        assert all(f"?email={person}" in page.text.replace("%40", "@") for person in PEOPLE)
        assert "<script" not in page.text
        signed_in = http.get("/sign-in", params={"email": "owner@example.com"})
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
        assert verify(issuer, signed_in.cookies["__session"])["email"] == "owner@example.com"
        http.get("/sign-out")
        assert "__session" not in http.cookies


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/projects/7/incidents?q=is%3Aopen", "/projects/7/incidents?q=is%3Aopen"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nX: y", "/"),
        ("", "/"),
    ],
)
def test_it_goes_back_to_a_page_of_this_site_and_to_no_other(issuer: clerk.Issuer, wanted: str, location: str) -> None:
    answer = httpx.get(f"{issuer.issuer}/sign-in", params={"email": "owner@example.com", "return": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, location)


def test_the_sign_in_page_shows_what_it_was_given_as_text(issuer: clerk.Issuer) -> None:
    answer = httpx.get(f"{issuer.issuer}/sign-in", params={"email": "<script>alert(1)</script>"})
    assert answer.status_code == 400
    assert "<script" not in answer.text

"""Session tokens: only what the issuer signed, for this site and this moment, is believed; the issuer is asked seldom."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request

from lib import auth, settings
from lib.errors import Forbidden, Problem, Unauthenticated, Unavailable
from local import clerk, serving
from tests.lib.tokens import AZP, REFUSED, Forge, encoded, public_pem
from tests.planting import plant

NOTHING = "http://127.0.0.1:1/nothing"


class Counted:
    """The issuer behind its address, which counts who asks for its keys, and can be away."""

    def __init__(self, issuer: clerk.Issuer) -> None:
        self.asked: list[str] = []
        self.away = False
        self._app = clerk.create_app(issuer)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        if scope["type"] == "http":
            self.asked.append(scope["path"])
            if self.away:
                await send({"type": "http.response.start", "status": 500, "headers": []})
                await send({"type": "http.response.body", "body": b"{}"})
                return
        await self._app(scope, receive, send)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


@pytest.fixture(scope="module")
def forge(issuer: clerk.Issuer, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return Forge(issuer, tmp_path_factory.mktemp("forge"))


@pytest.fixture(scope="module")
def _served(issuer: clerk.Issuer) -> Iterator[tuple[str, Counted]]:
    counted = Counted(issuer)
    with serving.in_thread(counted) as url:
        yield url, counted


@pytest.fixture
def counted(_served: tuple[str, Counted]) -> Counted:
    _served[1].asked.clear()
    _served[1].away = False
    return _served[1]


@pytest.fixture
def url(_served: tuple[str, Counted], counted: Counted) -> str:
    return f"{_served[0]}/.well-known/jwks.json" if counted else ""


def verifier(forge: Forge, url: str, **changed: str) -> tuple[auth.Verifier, Clock]:
    """An instance's verifier, and the clock that it goes by where it asks for keys."""
    found = {"CLERK_ISSUER": forge.issuer.issuer, "CLERK_JWKS_URL": url, "CLERK_AUTHORIZED_PARTIES": AZP, **changed}
    made, clock = auth.Verifier(settings.read(found)), Clock()
    made._keys = auth.SigningKeys(url, clock)
    return made, clock


def request(token: str | None, method: str = "GET", scheme: str = "https", **headers: str) -> Request:
    """A request with this session token as Bearer."""
    sent = {"host": "sensra.test", **({"authorization": f"Bearer {token}"} if token else {}), **headers}
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in sent.items()]
    return Request({"type": "http", "method": method, "path": "/", "scheme": scheme, "headers": raw, "query_string": b""})


# What is believed


@pytest.mark.parametrize(
    "claims", [{}, {"azp": None}, {"sts": "active"}, {"aud": "another"}, {"exp": 4_000_000_000.5}, {"more": {"a": [1]}}], ids=str
)
async def test_what_the_issuer_signed_is_believed(forge: Forge, url: str, claims: dict[str, Any]) -> None:
    made, _ = verifier(forge, url)
    assert (await made.who(request(forge.good(**claims))))[:3] == ("user_eve", None, None)


@pytest.mark.parametrize("with_pem", [False, True], ids=["JWKS", "PEM"])
@pytest.mark.parametrize("name", REFUSED)
async def test_nothing_else_is_believed(forge: Forge, counted: Counted, url: str, name: str, with_pem: bool) -> None:
    """With the key as PEM nobody is asked, and a kid has no meaning."""
    if with_pem and "kid" in name and "key" not in name:
        return
    key = {"CLERK_JWT_KEY": public_pem(forge.issuer._key).decode()} if with_pem else {}
    made, _ = verifier(forge, url, **key)
    attackers = url.replace(".well-known/jwks.json", "attacker")
    for headers in ({}, {"cookie": "__session={token}"}):
        token = REFUSED[name](forge, attackers)
        asked = request(None if headers else token, **{key: value.format(token=token) for key, value in headers.items()})
        with pytest.raises(Unauthenticated):
            await made.who(asked)
    assert set(counted.asked) <= (set() if with_pem else {"/.well-known/jwks.json"})
    assert len(counted.asked) <= 1


BUGS = {
    "azp is not looked at": ("Verifier._claims", "party is not None and", "False and", "another site (azp)"),
    "a part of azp will do": (
        "Verifier._claims", "party in self._settings.authorized_parties",
        "any(party.startswith(one) for one in self._settings.authorized_parties)", "the site with a suffix",
    ),
    "sts is not looked at": ("Verifier._claims", 'claims.get("sts") == "pending"', "False", "a sign-in that is not complete"),
    "the issuer is not looked at": ("Verifier._claims", "issuer=self._settings.clerk_issuer", "issuer=None", "another issuer"),
    "an expiry need not be": ("Verifier._claims", '"require": ["exp", ', '"require": [', "no expiry"),
    "what expired is good for a while": ("Verifier._claims", "leeway=LEEWAY_SECONDS", "leeway=60", "expired"),
    "the signature is not looked at": (
        "Verifier._claims", '"verify_aud": False', '"verify_aud": False, "verify_signature": False, "verify_exp": True',
        "another's key under the right kid",
    ),
    "a member may stand twice": ("_once", "len(found) != len(members)", "False", "the subject twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
async def test_a_planted_bug_is_seen(forge: Forge, url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the check is one that the corpus would miss."""
    place, right, wrong, token = BUGS[name]
    plant(monkeypatch, f"lib.auth:{place}", right, wrong)
    made, _ = verifier(forge, url)
    assert await made.who(request(REFUSED[token](forge, url)))


@pytest.mark.parametrize(
    "claims",
    [
        {"name": "Eve\0"},
        {"name": "Eve\ud800"},
        {"name": 1, "email": 1, "email_verified": True},
        {"email": "eve@a.example\0", "email_verified": True},
        {"email": "\ud800@a.example", "email_verified": True},
        {"email": "e" * 321, "email_verified": True},
    ],
)
async def test_what_no_table_can_hold_counts_as_not_told(forge: Forge, url: str, claims: dict[str, Any]) -> None:
    made, _ = verifier(forge, url)
    assert (await made.who(request(forge.good(**claims))))[:3] == ("user_eve", None, None)


# How often the issuer is asked


async def test_ten_thousand_unknown_keys_ask_the_issuer_once_a_cooldown(forge: Forge, counted: Counted, url: str) -> None:
    made, clock = verifier(forge, url)
    await made.who(request(forge.good()))
    tail = forge.good().partition(".")[2]
    for _ in range(2):
        counted.asked.clear()
        clock.now += auth.JWKS_COOLDOWN_SECONDS
        heads = [encoded(json.dumps(forge.header(kid=secrets.token_hex(8))).encode()) for _ in range(5_000)]
        asked = [made.who(request(f"{head}.{tail}")) for head in heads]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unauthenticated}
        assert len(counted.asked) == 1
        # Those who are signed in notice nothing.
        assert await made.who(request(forge.good()))
    assert len(counted.asked) == 1


async def test_a_new_key_is_found_within_a_cooldown(
    forge: Forge, counted: Counted, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, clock = verifier(forge, url)
    await made.who(request(forge.good()))
    rotated = forge.own.token("eve@a.example", azp=AZP)
    with pytest.raises(Unauthenticated):
        await made.who(request(rotated))
    monkeypatch.setitem(forge.issuer.jwks, "keys", [*forge.issuer.jwks["keys"], *forge.own.jwks["keys"]])
    clock.now += auth.JWKS_COOLDOWN_SECONDS
    assert await made.who(request(rotated))
    # And one that the issuer no longer names ends within the hour.
    monkeypatch.undo()
    clock.now += auth.JWKS_LIFETIME_SECONDS
    with pytest.raises(Unauthenticated):
        await made.who(request(rotated))


async def test_a_known_key_is_believed_while_the_issuer_is_away(forge: Forge, counted: Counted, url: str) -> None:
    made, clock = verifier(forge, url)
    await made.who(request(forge.good()))
    counted.asked.clear()
    counted.away = True
    for hours in range(1, 4):
        clock.now = hours * auth.JWKS_LIFETIME_SECONDS
        answers = await asyncio.gather(*(made.who(request(forge.good())) for _ in range(20)))
        assert {answer[:3] for answer in answers if isinstance(answer, auth.User)} == {("user_eve", None, None)}
        assert len(counted.asked) == hours
    with pytest.raises(Unauthenticated):
        await made.who(request(forge.signed(forge.header(kid="unknown"))))
    counted.away = False
    clock.now += auth.JWKS_COOLDOWN_SECONDS
    assert await made.who(request(forge.good()))


async def test_who_holds_a_known_key_does_not_wait_for_an_issuer_that_hangs(forge: Forge, counted: Counted, url: str) -> None:
    made, clock = verifier(forge, url)
    await made.who(request(forge.good()))
    clock.now += auth.JWKS_LIFETIME_SECONDS
    assert made._keys is not None
    async with made._keys._lock:  # somebody asks, and is not answered
        assert await asyncio.wait_for(made.who(request(forge.good())), 1)


async def test_an_issuer_that_was_never_reached_is_no_fault_of_the_token(forge: Forge, counted: Counted, url: str) -> None:
    made, clock = verifier(forge, url)
    counted.away = True
    for _ in range(50):
        with pytest.raises(Unavailable):
            await made.who(request(forge.good()))
    assert len(counted.asked) == 1
    counted.away = False
    clock.now += 1
    assert await made.who(request(forge.good()))


@pytest.mark.parametrize("answer", [[], {}, {"keys": None}, {"keys": 5}, {"keys": [1]}, {"keys": []}, {"keys": [{"kty": "oct"}]}])
async def test_keys_that_are_none_leave_those_that_are_known(
    forge: Forge, url: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    made, clock = verifier(forge, url)
    await made.who(request(forge.good()))
    clock.now += auth.JWKS_LIFETIME_SECONDS
    monkeypatch.setattr(forge.issuer, "jwks", answer)
    assert await made.who(request(forge.good()))


async def test_the_key_as_pem_comes_first_and_needs_nobody(forge: Forge) -> None:
    made, _ = verifier(forge, NOTHING, CLERK_JWT_KEY=public_pem(forge.issuer._key).decode())
    for header in (forge.header(), forge.header(kid=None), forge.header(kid="another")):
        assert await made.who(request(forge.signed(header)))
    with pytest.raises(Unauthenticated):
        await made.who(request(forge.signed(key=forge.own._key)))


# Cookies


OWN = ["https://sensra.test"]
FOREIGN = [
    "", "null", "https://evil.example", "https://sensra.test:444", "https://sensra.test.evil.example", "https://evilsensra.test",
    "https://sensra.test@evil.example", "https://evil.example/sensra.test", "https://evil.example#sensra.test", "sensra.test",
    "http://sensra.test", "https://sensra.test, https://evil.example", "https://sub.sensra.test", "https://", "//sensra.test",
    "https:///sensra.test", "ftp://sensra.test", "https://user@sensra.test", "https://sensra.test\\@evil.example", "https://[",
    "https://sensra.test:", "https://sensra.test:abc",
]  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "MADEUP"])
@pytest.mark.parametrize("origin", [None, *FOREIGN], ids=str)
async def test_a_cookie_changes_nothing_from_a_foreign_origin(forge: Forge, url: str, method: str, origin: str | None) -> None:
    made, _ = verifier(forge, url)
    headers = {"cookie": f"__session={forge.good()}", **({} if origin is None else {"origin": origin})}
    with pytest.raises(Forbidden):
        await made.who(request(None, method, **headers))
    # Nor beside credentials of another kind, which would be overlooked.
    with pytest.raises(Forbidden):
        await made.who(request(None, method, authorization="Basic eDp5", **headers))
    # What no browser sends by itself is not asked where it comes from.
    assert await made.who(request(forge.good(), method, **headers))


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "sensra.test", "https://sensra.test"),
        ("http", "127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http", "sensra.test", "https://sensra.test"),  # a proxy that ends TLS, and was not declared
        ("https", "[::1]:3000", "https://[::1]:3000"),
    ],
)
async def test_a_cookie_changes_things_from_our_own_pages(forge: Forge, url: str, scheme: str, host: str, origin: str) -> None:
    made, _ = verifier(forge, url)
    asked = request(None, "POST", scheme, cookie=f"__session={forge.good()}", host=host, origin=origin)
    assert (await made.who(asked))[0] == "user_eve"


async def test_a_cookie_reads_without_an_origin(forge: Forge, url: str) -> None:
    made, _ = verifier(forge, url)
    assert await made.who(request(None, cookie=f"__session={forge.good()}"))


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Bearer   "}, {"cookie": "__session="}])
async def test_nothing_is_nobody(forge: Forge, url: str, headers: dict[str, str]) -> None:
    made, _ = verifier(forge, url)
    with pytest.raises(Problem) as refusal:
        await made.who(request(None, **headers))
    assert refusal.value.status == 401

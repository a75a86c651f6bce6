"""Session tokens, good and forged: what tests/lib/test_auth.py presents."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from local import clerk

AZP = "https://sensra.test"


def encoded(part: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public part, as CLERK_JWT_KEY has it."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Forge:
    """Makes tokens with the issuer's own key, and with others."""

    def __init__(self, issuer: clerk.Issuer, folder: Path) -> None:
        self.issuer = issuer
        self.own = clerk.Issuer(folder / "forged.pem", issuer.issuer, AZP)
        [self.jwk] = issuer.jwks["keys"]
        self.key_id: str = self.jwk["kid"]

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of a good token; None removes one."""
        now = int(time.time())
        good = {"iss": self.issuer.issuer, "azp": AZP, "sub": "user_eve", "iat": now, "nbf": now - 10, "exp": now + 60}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def header(self, **changed: Any) -> dict[str, Any]:
        """That of a good token; None removes a member."""
        good = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def signed(self, header: Any = None, claims: Any = None, key: rsa.RSAPrivateKey | None = None) -> str:
        """Signed with RS256, whatever the header says. header, claims: JSON text stands for itself."""
        text = [one if isinstance(one, str) else json.dumps(one) for one in (header or self.header(), claims or self.claims())]
        signing = ".".join(encoded(one.encode()) for one in text)
        found = key or self.issuer._key
        return f"{signing}.{encoded(found.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def mac(self, secret: bytes) -> str:
        """HS256 with what everybody knows as the secret."""
        signing = f"{encoded(json.dumps(self.header(alg='HS256')).encode())}.{encoded(json.dumps(self.claims()).encode())}"
        return f"{signing}.{encoded(hmac.new(secret, signing.encode(), hashlib.sha256).digest())}"

    def good(self, **claims: Any) -> str:
        """A token that is right, but for these claims."""
        return self.signed(claims=self.claims(**claims))


def _other_algorithm(forge: Forge, algorithm: str) -> str:
    key: Any = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else forge.issuer._key
    return jwt.encode(forge.claims(), key, algorithm=algorithm, headers={"kid": forge.key_id})


def _unsigned(forge: Forge, algorithm: str) -> str:
    return ".".join(encoded(json.dumps(one).encode()) for one in (forge.header(alg=algorithm), forge.claims())) + "."


def _twice(good: dict[str, Any], name: str, first: Any) -> str:
    """JSON in which a member stands twice: readers differ in which of them they take."""
    return "{" + json.dumps(name) + ":" + json.dumps(first) + "," + json.dumps(good)[1:]


def _cut(token: str, *keep: int) -> str:
    return ".".join(token.split(".")[number] for number in keep)


def _key_in_header(forge: Forge) -> str:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(forge.own._key.public_key()))
    return forge.signed(forge.header(jwk=public, kid=None), key=forge.own._key)


# (the forge, the address of an attacker's server that such tokens name) → the token.
Make = Callable[[Forge, str], str]


def _as(make: Callable[[Forge, str], str], algorithm: str) -> Make:
    return lambda forge, _: make(forge, algorithm)


REFUSED: dict[str, Make] = {
    **{f"unsigned: {name}": _as(_unsigned, name) for name in ("none", "None", "nOnE", "NONE", "")},
    "HS256 with the public key as PEM": lambda f, _: f.mac(public_pem(f.issuer._key)),
    "HS256 with the public key as PEM, without the last line break": lambda f, _: f.mac(public_pem(f.issuer._key).rstrip()),
    "HS256 with the modulus": lambda f, _: f.mac(f.jwk["n"].encode()),
    "HS256 with nothing": lambda f, _: f.mac(b""),
    **{name: _as(_other_algorithm, name) for name in ("RS384", "RS512", "PS256", "ES256")},
    "no algorithm": lambda f, _: f.signed(f.header(alg=None)),
    "a list of algorithms": lambda f, _: f.signed(f.header(alg=["RS256"])),
    "another's key under the right kid": lambda f, _: f.signed(key=f.own._key),
    "another's key under its own kid": lambda f, _: f.signed(f.header(kid=f.own._key_id), key=f.own._key),
    "a kid that is nobody's": lambda f, _: f.signed(f.header(kid="nobody")),
    "no kid": lambda f, _: f.signed(f.header(kid=None)),
    "an empty kid": lambda f, _: f.signed(f.header(kid="")),
    "a kid that is a number": lambda f, _: f.signed(f.header(kid=1)),
    "a kid that is a list": lambda f, _: f.signed(f.header(kid=[f.key_id])),
    "a kid that is a path": lambda f, _: f.signed(f.header(kid="../../dev/null")),
    "a kid that is SQL": lambda f, _: f.signed(f.header(kid="' OR 1=1 --")),
    "the key in the header (jwk)": lambda f, _: _key_in_header(f),
    "an address of keys (jku)": lambda f, url: f.signed(f.header(jku=url, kid=f.own._key_id), key=f.own._key),
    "an address of a certificate (x5u)": lambda f, url: f.signed(f.header(x5u=url, kid=f.own._key_id), key=f.own._key),
    "a certificate in the header (x5c)": lambda f, _: f.signed(f.header(x5c=["MIIB"], kid=f.own._key_id), key=f.own._key),
    "extensions that must be understood (crit)": lambda f, _: f.signed(f.header(crit=["exp"], exp=1)),
    "an empty crit": lambda f, _: f.signed(f.header(crit=[])),
    "an unencoded payload (b64)": lambda f, _: f.signed(f.header(b64=False, crit=["b64"])),
    "expired": lambda f, _: f.good(exp=int(time.time()) - 6),
    "expired long ago": lambda f, _: f.good(exp=1),
    "no expiry": lambda f, _: f.good(exp=None),
    "an expiry in words": lambda f, _: f.good(exp="tomorrow"),
    "an expiry that is a list": lambda f, _: f.good(exp=[9**9]),
    "an expiry beyond all numbers": lambda f, _: f.signed(claims=json.dumps(f.claims(exp=0)).replace('"exp": 0', '"exp": 1e999')),
    "an expiry that is no number": lambda f, _: f.signed(claims=json.dumps(f.claims(exp=0)).replace('"exp": 0', '"exp": NaN')),
    "an expiry of 5,000 digits": lambda f, _: f.signed(
        claims=json.dumps(f.claims(exp=0)).replace('"exp": 0', f'"exp": {"9" * 5_000}')
    ),
    "not valid yet": lambda f, _: f.good(nbf=int(time.time()) + 60),
    "issued in the future": lambda f, _: f.good(iat=int(time.time()) + 60),
    "another issuer": lambda f, _: f.good(iss="https://clerk.evil.example"),
    "the issuer with a slash": lambda f, _: f.good(iss=f.issuer.issuer + "/"),
    "the issuer with a suffix": lambda f, _: f.good(iss=f.issuer.issuer + ".evil.example"),
    "issuers": lambda f, _: f.good(iss=[f.issuer.issuer]),
    "no issuer": lambda f, _: f.good(iss=None),
    "another site (azp)": lambda f, _: f.good(azp="https://evil.example"),
    "the site with a suffix": lambda f, _: f.good(azp=AZP + ".evil.example"),
    "the site with a port": lambda f, _: f.good(azp=AZP + ":444"),
    "the site over http": lambda f, _: f.good(azp=AZP.replace("https", "http")),
    "an empty site": lambda f, _: f.good(azp=""),
    "sites": lambda f, _: f.good(azp=[AZP]),
    "a sign-in that is not complete": lambda f, _: f.good(sts="pending"),
    "nobody": lambda f, _: f.good(sub=None),
    "an empty subject": lambda f, _: f.good(sub=""),
    "a subject that is a number": lambda f, _: f.good(sub=1),
    "a subject beyond all ids": lambda f, _: f.good(sub="u" * 300),
    "a subject that PostgreSQL cannot hold": lambda f, _: f.good(sub="user\0"),
    "the expiry twice": lambda f, _: f.signed(claims=_twice(f.claims(), "exp", 1)),
    "the subject twice": lambda f, _: f.signed(claims=_twice(f.claims(), "sub", "user_alice")),
    "the algorithm twice": lambda f, _: f.signed(_twice(f.header(), "alg", "none")),
    "too long": lambda f, _: f.good(more="x" * 8_000),
    "nothing": lambda _f, _u: "x",
    "dots": lambda _f, _u: "..",
    "more dots": lambda _f, _u: "." * 7_000,
    "no signature": lambda f, _: _cut(f.good(), 0, 1) + ".",
    "two parts": lambda f, _: _cut(f.good(), 0, 1),
    "four parts": lambda f, _: f.good() + ".x",
    "five parts, as encrypted ones have": lambda f, _: f.good() + ".x.y",
    "a signature of nothing": lambda f, _: _cut(f.good(), 0, 1) + ".AAAA",
    "a signature of another token": lambda f, _: _cut(f.good(), 0, 1) + "." + _cut(f.good(sub="user_alice"), 2),
    "parts in another order": lambda f, _: _cut(f.good(), 1, 0, 2),
    "a header that is a list": lambda f, _: f.signed("[]"),
    "a header that is a number": lambda f, _: f.signed("1"),
    "a header that is no JSON": lambda f, _: f.signed("{"),
    "a header that is nested": lambda f, _: f.signed('{"alg":' + "[" * 4_000),
    "claims that are nested": lambda f, _: f.signed(claims='{"sub":' + "[" * 4_000),
    "claims that are nested, and whole": lambda f, _: f.signed(claims='{"sub":' + "[" * 2_000 + "]" * 2_000 + "}"),
    "claims that are a list": lambda f, _: f.signed(claims="[]"),
    "claims that are a word": lambda f, _: f.signed(claims='"user_eve"'),
    "claims that are no JSON": lambda f, _: f.signed(claims="{"),
    "a header that is no UTF-8": lambda f, _: encoded(b'{"alg":"\xff"}') + "." + _cut(f.good(), 1, 2),
    "letters beyond ASCII": lambda f, _: f.good()[:-2] + "éé",
}  # fmt: skip

"""Requests of people: whose key is believed, which address is kept, what is logged of them."""

from __future__ import annotations

from pathlib import Path

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import api.incidents
from lib import settings
from local import clerk
from tests.api.conftest import ORIGIN, Stage, Tenant
from tests.api.test_incidents import send

Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def pem(key: Public) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def incidents(tenant: Tenant) -> str:
    return f"/api/projects/{tenant.project_id}/incidents"


WRONG_KEYS = {
    "no PEM": "sk_" + "test",
    "cut": pem(rsa.generate_private_key(65537, 2048).public_key())[:200],
    "of another kind": pem(ec.generate_private_key(ec.SECP256R1()).public_key()),
}


@pytest.mark.parametrize("key", WRONG_KEYS.values(), ids=WRONG_KEYS)
async def test_a_wrong_clerk_jwt_key_is_the_deployments_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    tenant = await stage.tenant()
    monkeypatch.setenv("CLERK_JWT_KEY", key)
    settings.current.cache_clear()
    client = await stage.client(api.incidents.app)
    answer = await client.get(incidents(tenant), headers=stage.bob())
    assert answer.status_code == 503
    assert "CLERK_JWT_KEY" in answer.json()["detail"]


@pytest.mark.parametrize("break_as", ["\n", "\\n"])
async def test_the_right_clerk_jwt_key_needs_no_network(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, break_as: str
) -> None:
    tenant = await stage.tenant()
    [jwk] = stage.issuer.jwks["keys"]
    public = jwt.PyJWK(jwk).key
    assert isinstance(public, rsa.RSAPublicKey)
    monkeypatch.setenv("CLERK_JWT_KEY", pem(public).replace("\n", break_as))
    monkeypatch.setenv("CLERK_JWKS_URL", "http://127.0.0.1:1/nothing")
    settings.current.cache_clear()
    client = await stage.client(api.incidents.app)
    assert (await client.get(incidents(tenant), headers=stage.bob())).status_code == 200
    other = clerk.Issuer(tmp_path / "other.pem", stage.issuer.issuer, ORIGIN)
    forged = {"Authorization": f"Bearer {other.token(f'bob@{stage.name}.example')}"}
    assert (await client.get(incidents(tenant), headers=forged)).status_code == 401


@pytest.mark.parametrize(
    ("variable", "expected"),
    [(None, "127.0.0.1"), ("VERCEL", "203.0.113.7"), ("TRUST_PROXY", "203.0.113.7")],  # the peer of these tests is 127.0.0.1
)
async def test_a_forwarded_address_is_believed_only_where_a_proxy_sets_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, variable: str | None, expected: str
) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    if variable:
        monkeypatch.setenv(variable, "1")
        settings.current.cache_clear()
    answer = await stage.incidents.patch(
        f"{incidents(tenant)}/{incident}", json={"status": "resolved"}, headers={**stage.bob(), "X-Real-IP": "203.0.113.7"}
    )
    assert answer.status_code == 200
    [row] = await stage.rows("SELECT address FROM audit_log WHERE project_id = %s", tenant.project_id)
    assert row["address"] == expected


async def test_the_log_names_a_person_by_our_own_id(stage: Stage, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    tenant = await stage.tenant()
    subject = clerk.subject_of(f"bob@{stage.name}.example")
    [person] = await stage.rows("SELECT id FROM people WHERE clerk_user_id = %s", subject)
    await stage.incidents.get(incidents(tenant), headers=stage.bob())
    await stage.incidents.get(incidents(tenant), headers=stage.charlie())
    written = capfdbinary.readouterr().out
    lines = [orjson.loads(line) for line in written.splitlines()]
    assert [line.get("person") for line in lines if line["event"] == "request"] == [person["id"], None]
    assert b"user_" not in written


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 20, "0" * 30 + "1", "9" * 5_000], ids=len)
async def test_an_id_beyond_all_numbers_is_not_found(stage: Stage, number: str) -> None:
    tenant = await stage.tenant()
    for url in (f"/api/projects/{number}/incidents", f"{incidents(tenant)}/{number}"):
        answer = await stage.incidents.get(url, headers=stage.bob())
        assert answer.status_code == 404
        assert answer.json()["detail"] != "There is no such address."

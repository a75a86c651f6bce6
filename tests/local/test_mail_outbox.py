"""The outbox keeps to Resend's protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local import serving
from local.mail import KEY_SECONDS, Outbox

MAIL = {"from": "Sensra <a@sensra.example>", "to": ["alice@acme.example"], "subject": "Hello", "html": "<p>Hi</p>", "text": "Hi"}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def _served(clock: Clock) -> Iterator[tuple[Outbox, httpx.Client]]:
    made = Outbox("key", clock)
    with serving.in_thread(made.app) as url, httpx.Client(base_url=url, headers={"Authorization": "Bearer key"}) as one:
        yield made, one


@pytest.fixture
def client(_served: tuple[Outbox, httpx.Client]) -> httpx.Client:
    """Of an outbox that is empty at the start of each test."""
    _served[0].clear()
    return _served[1]


def post(client: httpx.Client, key: str | None = None, **changed: Any) -> httpx.Response:
    return client.post("/emails", json={**MAIL, **changed}, headers={"Idempotency-Key": key} if key else {})


def count(client: httpx.Client) -> int:
    return len(client.get("/local/mail.json").json()["items"])


def test_a_key_is_one_mail_for_a_day_and_another_one_after_it(client: httpx.Client, clock: Clock) -> None:
    first = post(client, "k").json()["id"]
    clock.now += KEY_SECONDS - 1
    assert post(client, "k").json()["id"] == first
    assert count(client) == 1
    clock.now += 1
    assert post(client, "k").json()["id"] != first
    assert count(client) == 2


def test_a_key_with_another_body_is_a_conflict(client: httpx.Client) -> None:
    post(client, "k")
    answer = post(client, "k", subject="Other")
    assert (answer.status_code, answer.json()["name"]) == (409, "invalid_idempotent_request")
    assert count(client) == 1


def test_without_a_key_every_post_is_a_mail(client: httpx.Client) -> None:
    assert post(client).json()["id"] != post(client).json()["id"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        *[({"from": ""}, 422), ({"from": "nobody"}, 422), ({"to": []}, 422), ({"to": ["a@b.example,c@d.example"]}, 422)],
        *[
            ({"subject": ""}, 422),
            ({"subject": "a\r\nBcc: b"}, 422),
            ({"html": "", "text": ""}, 422),
            ({"headers": {"X": "a\nb"}}, 422),
        ],
    ],
)
def test_what_resend_refuses_is_refused(client: httpx.Client, changed: dict[str, Any], status: int) -> None:
    assert post(client, **changed).status_code == status
    assert count(client) == 0


def test_the_key_must_be_right(client: httpx.Client) -> None:
    assert client.post("/emails", json=MAIL, headers={"Authorization": "Bearer other"}).status_code == 403
    assert client.post("/emails", json=MAIL, headers={"Authorization": ""}).status_code == 401
    assert post(client, "k" * 257).status_code == 400


def test_a_mail_is_shown_in_a_frame_that_runs_nothing(client: httpx.Client) -> None:
    found = post(client, html="<script>alert(1)</script>", subject="<b>x</b>").json()["id"]
    page = client.get(f"/local/mail/{found}").text
    assert "<script>" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "<b>" not in client.get("/local/mail").text
    assert client.get("/local/mail/none").status_code == 404

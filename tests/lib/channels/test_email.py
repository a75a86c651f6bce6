"""Alert mails: what they tell, that nothing an event said becomes markup, a link or a header, and how they leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from lib import channels, mail, settings
from lib.channels.notice import Explained, Frame, Notice
from lib.channels.outcome import ChannelError
from lib.errors import InvalidRequest
from tests.cases import each
from tests.conftest import OutboxStandIn
from tests.lib.channels.hostile_texts import TEXTS, links_in
from tests.lib.channels.notices import BASE_URL, CREATED_AT, ITEM, UNSUBSCRIBE_URL, notice

GMAIL_BYTES_MAX = 102 * 1024
TARGET = {"address": "alice@acme.example", "sender": "Sensra <alerts@sensra.example>"}


def render(given: Notice) -> dict[str, Any]:
    return channels.render("email", given, delivery_id="d1", created_at=CREATED_AT)


CONTENT = render(notice())


class Reader(HTMLParser):
    """A mail as a client reads it: tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name in {"href", "src", "action"}]


def hostile(text: str) -> Notice:
    """A notice in which everything that an event or a person can name is this text."""
    named: dict[str, Any] = dict.fromkeys(("reason", "title", "culprit", "level", "platform", "environment", "release"), text)
    item = ITEM._replace(
        **named,
        frame=Frame(text, 7, text, text),
        explained=Explained(text, text, text, 0.5),
    )
    return notice(item, item, workspace_name=text, project_name=text, channel_name=text)


# -- what it tells ---------------------------------------------------------------------------------------------------


@each("part", ["text", "html"])
def test_a_mail_tells_what_where_since_when_how_often_and_whom(part: str) -> None:
    told = CONTENT["text"] if part == "text" else "\n".join(Reader(CONTENT["html"]).texts)
    told = told.replace("\u200b", "")
    for wanted in (
        "KeyError: no plan for [redacted:email]", "shop.checkout.plans in price_of", "A new error in production.", "Shop",
        "26 Nov 2026, 11:52 UTC", "26 Nov 2026, 11:59 UTC", "1,284", "37", "production", "shop@1.4.2",
        "shop/checkout/plans.py · line 42 · in price_of", 'return PLANS[customer["plan"]].price',
        "The plan of a customer who left", "Plans are removed before their last invoice.",
        "Use PLANS.get(…).", "High confidence (0.82 of 1)",
        "Written by a model from redacted event data", "3 pieces of secret or personal data were removed",
    ):  # fmt: skip
        assert wanted in told, wanted


def test_a_mail_links_to_open_resolve_and_mute_and_only_to_our_own_pages() -> None:
    page = f"{BASE_URL}/projects/1/incidents/17"
    links = Reader(CONTENT["html"]).links
    assert {page, f"{page}?then=resolve", f"{page}?then=mute", UNSUBSCRIBE_URL} <= set(links)
    assert all(link.startswith(f"{BASE_URL}/") for link in links)
    assert all(link in CONTENT["text"] for link in links)


def test_a_mail_can_be_ended_by_one_click_of_the_mail_client() -> None:
    assert CONTENT["headers"]["List-Unsubscribe"] == f"<{UNSUBSCRIBE_URL}>"
    assert CONTENT["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not {name for name in render(notice(unsubscribe_url=None))["headers"] if name.startswith("List-")}


@each("part", ["text", "html"])
def test_a_mail_says_which_mails_its_link_ends(part: str) -> None:
    ending = "Unsubscribing ends the mails of the channel Ops to this address. Other channels go on."
    told = CONTENT["text"] if part == "text" else "\n".join(Reader(CONTENT["html"]).texts)
    assert "the project Shop, over its channel Ops." in told
    assert ending in told
    assert "Unsubscribing" not in render(notice(unsubscribe_url=None))[part], "there is no such link"


def test_what_is_not_known_leaves_no_gap() -> None:
    bare = ITEM._replace(
        culprit=None, environment=None, release=None, people_count=None, frame=None, explained=None, removed_count=0
    )
    content = render(notice(bare))
    for part in ("text", "html"):
        assert "None" not in content[part]
        assert "People affected" not in content[part]
        assert "Analysis" not in content[part]
        assert "found no secrets" in content[part]


def test_of_an_event_that_is_gone_nothing_is_claimed_about_its_redaction() -> None:
    gone = ITEM._replace(removed_count=None)
    for given in (notice(gone), notice(gone, gone._replace(incident_id=18))):
        for kind in ("email", "slack", "discord", "webhook"):
            told = json.dumps(channels.render(kind, given, delivery_id="d1", created_at=CREATED_AT))
            assert "Redaction found" not in told, kind
            assert "removed before anything" not in told, kind
            assert ('"removed_count": null' in told) is (kind == "webhook")


def test_a_digest_counts_its_kinds_and_names_each_incident() -> None:
    items = [ITEM._replace(incident_id=number, title=f"Error number {number}") for number in range(3)]
    content = render(notice(*items, ITEM._replace(transition="regressed"), omitted=2))
    assert content["subject"] == "[Shop] 6 incidents: 3 new, 1 regressed, 2 more"
    for part in ("text", "html"):
        assert all(f"Error number {number}" in content[part] for number in range(3))
        assert "And 2 more incidents." in content[part]


def test_a_long_digest_shows_its_first_incidents_and_counts_the_others() -> None:
    content = render(notice(*[ITEM] * 100, omitted=1))
    assert content["text"].count("Mute:") == 15
    assert "And 86 more incidents." in content["text"]


def test_a_mail_stays_below_what_gmail_shows() -> None:
    for text in ("<" * 10_000, "é" * 10_000, "a.b " * 3_000):
        long = hostile(text).items[0]
        content = render(notice(*[long] * 100, omitted=1))
        assert len(content["html"].encode()) < GMAIL_BYTES_MAX
        shown = content["text"].count("Mute:")
        assert shown >= 5
        assert f"And {101 - shown} more incidents." in content["text"]
        assert len(render(notice(long))["html"].encode()) < GMAIL_BYTES_MAX


def test_the_same_notice_is_always_the_same_mail() -> None:
    assert render(notice()) == CONTENT == json.loads(json.dumps(CONTENT))


# -- what it never does ----------------------------------------------------------------------------------------------


@each("text", TEXTS)
def test_nothing_of_an_event_becomes_markup_or_a_link(text: str) -> None:
    for given in (hostile(text), notice(hostile(text).items[0])):
        harmless = render(hostile("x") if len(given.items) > 1 else notice(hostile("x").items[0]))
        content = render(given)
        found, wanted = Reader(content["html"]), Reader(harmless["html"])
        assert set(found.tags) <= {*wanted.tags, "br"}
        assert {name for name, _ in found.attributes} <= {name for name, _ in wanted.attributes}
        assert set(found.links) == set(wanted.links)
        assert [one for one in found.texts if links_in(one)] == []
        own = set(found.links)
        lines = [line for line in content["text"].splitlines() if not any(line.endswith(link) for link in own)]
        assert [line for line in lines if links_in(line)] == []
        json.dumps(content).encode()


@each("text", TEXTS)
def test_a_subject_is_one_bounded_line_without_links(text: str) -> None:
    for content in (render(hostile(text)), render(notice(hostile(text).items[0]))):
        assert 0 < len(content["subject"]) <= mail.SUBJECT_CHARS_MAX
        assert content["subject"].isprintable()
        assert "://" not in content["subject"]
        assert set(content["headers"]) == {"X-Entity-Ref-ID", "List-Unsubscribe", "List-Unsubscribe-Post"}


def test_an_unsubscribe_address_cannot_bring_a_header_along() -> None:
    headers = render(notice(unsubscribe_url=f"{BASE_URL}/u>\r\nBcc: <eve"))["headers"]
    assert headers["List-Unsubscribe"] == f"<{BASE_URL}/u%3E%0D%0ABcc:%20%3Ceve>"


@each(
    "address",
    [
        *[None, "", "alice", "alice@", "@acme.example", "alice@acme", "a b@acme.example", "Alice <alice@acme.example>"],
        *[
            "alice@acme.example,eve@evil.example",
            "alice@acme.example\r\nBcc: eve@evil.example",
            "alice@acme.example\n",
            "é@acme.example",
        ],
        *[
            '"a b"@acme.example',
            "alice@[127.0.0.1]",
            "alice@acme.example ",
            "a" * 65 + "@acme.example",
            "a@" + "b." * 130 + "example",
        ],
    ],
)
def test_what_is_not_one_address_is_refused_by_name(address: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        channels.check_target("email", {"address": address})
    assert caught.value.extra["errors"][0]["pointer"] == "/target/address"


@each("address", ["alice@acme.example", "a.b+c_d@x-1.acme.co.uk", "o'brien@acme.example"])
def test_one_address_is_taken(address: str) -> None:
    channels.check_target("email", {"address": address})


# -- how it leaves ---------------------------------------------------------------------------------------------------


async def send(key: str = "key-1", content: dict[str, Any] = CONTENT) -> channels.Sent:
    return await channels.send("email", content, TARGET, idempotency_key=key)


async def test_a_mail_arrives_as_it_was_rendered(outbox: OutboxStandIn) -> None:
    sent = await send()
    (taken,) = outbox.mails
    assert sent.provider_id == taken.id
    assert (taken.to, taken.sender, taken.key) == (["alice@acme.example"], outbox.sender, "key-1")
    assert {"subject": taken.subject, "text": taken.text, "html": taken.html, "headers": taken.headers} == CONTENT


async def test_one_key_is_one_mail_however_often_it_is_tried(outbox: OutboxStandIn) -> None:
    outbox.failing.coming.extend([500, "reset", 429, 409])
    ends = [await outcome() for _ in range(6)]
    assert [end if isinstance(end, bool) else "sent" for end in ends] == [False, False, False, False, "sent", "sent"]
    assert ends[4] == ends[5]
    assert len(outbox.mails) == 1


async def test_a_mail_is_the_same_after_the_database_has_sorted_its_members(outbox: OutboxStandIn) -> None:
    first = await send()
    assert await send(content=dict(reversed(CONTENT.items()))) == first
    assert len(outbox.mails) == 1


async def outcome() -> channels.Sent | bool:
    """What was sent, else whether that is for good."""
    try:
        return await send()
    except ChannelError as error:
        return error.permanent


@pytest.mark.parametrize(
    ("status", "permanent", "retry_after"),
    [
        *[(400, True, None), (401, True, None), (403, True, None), (404, True, None), (422, True, None), (408, False, None)],
        *[(409, False, None), (429, False, 7), (500, False, None), (502, False, None), (503, False, None)],
    ],
)
async def test_an_answer_says_whether_to_try_again(
    outbox: OutboxStandIn, status: int, permanent: bool, retry_after: int | None
) -> None:
    outbox.failing.mode = status
    with pytest.raises(ChannelError) as caught:
        await send()
    assert (caught.value.permanent, caught.value.retry_after_seconds) == (permanent, retry_after)
    assert ("not configured" in caught.value.detail) == (status in {401, 403})
    assert "stand-in refuses" not in caught.value.detail


async def test_another_mail_under_the_same_key_is_refused_for_good(outbox: OutboxStandIn) -> None:
    await send()
    with pytest.raises(ChannelError, match="under the same key") as caught:
        await send(content={**CONTENT, "subject": "another"})
    assert caught.value.permanent
    assert len(outbox.mails) == 1


async def test_a_provider_that_hangs_is_left_in_time(outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.outbound.TOTAL_SECONDS", 0.3)
    outbox.failing.mode = "hang"
    with pytest.raises(ChannelError, match="did not answer") as caught:
        await send()
    assert not caught.value.permanent


@pytest.fixture
def _not_configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("RESEND_API_KEY", "MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


@pytest.mark.usefixtures("_not_configured")
async def test_without_a_key_a_mail_says_so_and_is_not_tried_again() -> None:
    with pytest.raises(ChannelError, match="RESEND_API_KEY") as caught:
        await send()
    assert caught.value.permanent


async def test_without_a_sender_a_mail_says_so_and_is_not_tried_again(outbox: OutboxStandIn) -> None:
    with pytest.raises(ChannelError, match="MAIL_FROM") as caught:
        await channels.send("email", CONTENT, TARGET | {"sender": None}, idempotency_key="key-1")
    assert caught.value.permanent
    assert not outbox.mails


async def test_a_wrong_key_is_told_as_a_setting(outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEND_API_KEY", "another")
    settings.current.cache_clear()
    with pytest.raises(ChannelError, match="not configured"):
        await send()
    assert not outbox.mails

"""Mails of the system itself."""

from __future__ import annotations

from lib import mail
from tests.cases import each
from tests.conftest import OutboxStandIn
from tests.lib.channels.hostile_texts import TEXTS, links_in
from tests.lib.channels.test_email import Reader

URL = "https://sensra.test/#/invitations/abc"


@each("text", TEXTS)
def test_a_system_mail_has_one_link_whatever_names_it_quotes(text: str) -> None:
    content = mail.render_plain_mail(
        f"Join {text}", [f"{text} invites you.", text], button=("Accept", URL), footer=f"Sent for {text}."
    )
    found = Reader(content["html"])
    assert found.links == [URL]
    assert [one for one in found.texts if links_in(one)] == []
    assert not {"script", "img", "iframe", "form", "svg", "b"} & set(found.tags)
    assert [line for line in content["text"].splitlines() if links_in(line)] == [URL]
    assert 0 < len(content["subject"]) <= mail.SUBJECT_CHARS_MAX
    assert content["subject"].isprintable()


def test_a_system_mail_may_do_without_a_button() -> None:
    content = mail.render_plain_mail("Spike", ["Shop sends more than usual."], button=None, footer="You own Shop.")
    assert content["text"] == "Shop sends more than usual.\n\n-- \nYou own Shop.\n"
    assert Reader(content["html"]).links == []


async def test_a_system_mail_leaves_like_any_other(outbox: OutboxStandIn) -> None:
    content = mail.render_plain_mail("Hello", ["One.", "Two."], button=None, footer="Three.")
    sent = await mail.send(content, "bob@acme.example", sender=outbox.sender, idempotency_key="k")
    assert sent.provider_id == outbox.mails[0].id
    assert outbox.mails[0].subject == "Hello"

"""Notices as mails: in HTML, and the same in plain text. Nothing that an event said is markup or a link in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lib import mail, mail_page
from lib.channels import hooks, words
from lib.channels.links import page_of, ways_of
from lib.channels.notice import Explained, Item, Notice
from lib.channels.outcome import Sent
from lib.channels.text import clean, cut, inert, listed, one_line

ITEMS_MAX = 15
HTML_BYTES_MAX = 100_000  # Gmail cuts a mail off at 102 kB; an item of a digest takes 4 to 12
TONES = {"fatal": "red", "error": "red", "warning": "amber", "info": "blue"}
DIGEST_SUMMARY_CHARS_MAX = 280
RULE = "-" * 60


def render(notice: Notice, *, delivery_id: str, **_unused: object) -> dict[str, Any]:
    """{"subject", "text", "html", "headers"}."""
    shown = _first(notice, ITEMS_MAX)
    html = _html(shown)
    while len(html.encode()) > HTML_BYTES_MAX and len(shown.items) > 1:
        shown = _first(notice, len(shown.items) // 2)
        html = _html(shown)
    return {
        "subject": mail.subject_of(f"[{words.name_of(shown.project_name)}] {words.headline_of(shown)}"),
        "text": _plain(shown),
        "html": html,
        "headers": {"X-Entity-Ref-ID": one_line(delivery_id, 64), **_unsubscribe_headers(shown.unsubscribe_url)},
    }


def _first(notice: Notice, count: int) -> Notice:
    return notice._replace(items=notice.items[:count], omitted=notice.omitted + len(notice.items[count:]))


def check_target(target: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where `address` is not one mail address."""
    if not mail.is_address(target.get("address")):
        hooks.refuse("address", "Give one mail address, such as alerts@example.com.")


async def send(content: Mapping[str, Any], target: Mapping[str, Any], *, idempotency_key: str) -> Sent:
    """Through Resend. target: its "sender", too. Raises ChannelError."""
    return await mail.send(content, target["address"], sender=target["sender"], idempotency_key=idempotency_key)


def _unsubscribe_headers(url: str | None) -> dict[str, str]:
    """RFC 8058: a mail client offers to end these mails, by one POST."""
    if url is None:
        return {}
    return {
        "List-Unsubscribe": f"<{quote(url, safe=':/?#[]@!$&()*+,;=%~')}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _masthead(notice: Notice) -> str:
    return listed(["Sensra", words.name_of(notice.workspace_name), words.name_of(notice.project_name)])


def _why(notice: Notice) -> str:
    return (
        f"You get this because of an alert rule of the project {words.name_of(notice.project_name)},"
        f" over its channel {words.name_of(notice.channel_name)}."
    )


def _ending(notice: Notice) -> str:
    """What exactly the link ends."""
    channel = words.name_of(notice.channel_name)
    return f"Unsubscribing ends the mails of the channel {channel} to this address. Other channels go on."


# -- HTML ------------------------------------------------------------------------------------------------------------


def _html(notice: Notice) -> str:
    headline = words.headline_of(notice)
    if len(notice.items) == 1 and not notice.omitted:
        cards = [_whole(notice, notice.items[0])]
        preview = words.reason_of(notice.items[0])
    else:
        cards = [_contents(notice), *(_short(notice, item) for item in notice.items)]
        preview = words.title_of(notice.items[0]) if notice.items else headline
    page = page_of(notice)
    ways = [("Alert settings", f"{page}/alerts")] if page else []
    ways += [("Unsubscribe", notice.unsubscribe_url)] if notice.unsubscribe_url else []
    told = f"{_why(notice)} {_ending(notice)}" if notice.unsubscribe_url else _why(notice)
    footer = [mail_page.text(told, "soft", size=12, after=6), mail_page.links(*ways)]
    return mail_page.page(headline, preview, _masthead(notice), cards, footer)


def _contents(notice: Notice) -> str:
    more = words.more_of(notice.omitted)
    parts = [mail_page.heading(words.headline_of(notice))]
    parts += [mail_page.text(f"{more} The project's page has them all.", "soft", size=13)] if more else []
    page = page_of(notice)
    return mail_page.card(*parts, mail_page.links(*([("Open the project", page)] if page else [])))


def _head(item: Item, *where: str | None) -> str:
    pill = mail_page.pill(words.label_of(item), TONES.get(item.level, "grey"))
    return mail_page.beside(pill, mail_page.small(listed([words.name_of(one) for one in (item.level, *where)])))


def _whole(notice: Notice, item: Item) -> str:
    """The one incident of a mail, with everything that is known of it."""
    ways = ways_of(notice, item)
    culprit = one_line(item.culprit or "", words.TITLE_CHARS_MAX)
    parts = [
        _head(item),
        mail_page.heading(words.title_of(item)),
        *([mail_page.text(culprit, "soft", size=13, mono=True)] if culprit else []),
        mail_page.text(words.reason_of(item)),
        mail_page.numbers(words.numbers_of(item)),
        *([mail_page.code(words.place_of(item.frame), words.source_of(item.frame))] if item.frame else []),
        *([_explained(item.explained)] if item.explained else []),
        mail_page.facts(pair for pair in words.facts_of(item) if pair[0] != "Level"),
        *([mail_page.buttons(*ways)] if ways else []),
        *_redaction(item),
    ]
    return mail_page.card(*parts)


def _redaction(item: Item) -> list[str]:
    told = words.redaction_of(item)
    return [mail_page.text(told, "soft", size=12, after=6)] if told else []


def _explained(explained: Explained) -> str:
    parts = [
        mail_page.text("Analysis", "soft", size=12, weight=600, after=6),
        mail_page.text(cut(clean(explained.summary), words.SUMMARY_CHARS_MAX), size=14),
        mail_page.text("Likely cause", "soft", size=12, weight=600, after=6),
        mail_page.text(cut(clean(explained.likely_cause), words.CAUSE_CHARS_MAX), size=14),
    ]
    if explained.suggested_fix:
        parts += [
            mail_page.text("Suggested fix", "soft", size=12, weight=600, after=6),
            mail_page.text(cut(clean(explained.suggested_fix), words.FIX_CHARS_MAX), size=13, mono=True),
        ]
    parts.append(mail_page.text(f"{words.confidence_of(explained)} {words.PROVENANCE}", "soft", size=12, after=0))
    return mail_page.hint(*parts)


def _short(notice: Notice, item: Item) -> str:
    """One of several incidents."""
    told = " · ".join(f"{name.lower()} {value}" for name, value in words.numbers_of(item))
    parts = [
        _head(item, item.environment, item.release),
        mail_page.heading(words.title_of(item), size=16),
        mail_page.text(f"{words.reason_of(item)}\n{told[:1].upper()}{told[1:]}", "soft", size=13),
        *([mail_page.code(words.place_of(item.frame), words.source_of(item.frame))] if item.frame else []),
    ]
    if item.explained:
        summary = one_line(item.explained.summary, DIGEST_SUMMARY_CHARS_MAX)
        whence = f"{words.confidence_of(item.explained)} {words.PROVENANCE}"
        parts.append(mail_page.hint(mail_page.text(summary, size=13, after=6), mail_page.text(whence, "soft", size=12, after=0)))
    parts.append(mail_page.links(*ways_of(notice, item)))
    return mail_page.card(*parts, *_redaction(item))


# -- plain text ------------------------------------------------------------------------------------------------------


def _plain(notice: Notice) -> str:
    more = words.more_of(notice.omitted)
    single = len(notice.items) == 1 and not notice.omitted
    blocks = [
        *([] if single else [inert(words.headline_of(notice))]),
        *(_plain_item(notice, item, whole=single) for item in notice.items),
        *([f"{more}\n{page_of(notice) or ''}".rstrip()] if more else []),
        _plain_footer(notice),
    ]
    return f"\n\n{RULE}\n\n".join(blocks) + "\n"


def _plain_item(notice: Notice, item: Item, *, whole: bool) -> str:
    pairs = [*words.numbers_of(item), *words.facts_of(item)]
    told = [
        f"{words.label_of(item)}: {words.title_of(item)}",
        one_line(item.culprit or "", words.TITLE_CHARS_MAX),
        words.reason_of(item),
        "\n".join(f"{name}: {value}" for name, value in pairs),
        f"{words.place_of(item.frame)}\n    {words.source_of(item.frame)}" if item.frame else "",
        *(_plain_explained(item.explained, whole=whole) if item.explained else []),
        words.redaction_of(item),
    ]
    ways = "\n".join(f"{f'{name}:':8} {url}" for name, url in ways_of(notice, item))
    return "\n\n".join([*(inert(one) for one in told if one.strip()), *([ways] if ways else [])])


def _plain_explained(explained: Explained, *, whole: bool) -> list[str]:
    if not whole:
        summary = one_line(explained.summary, DIGEST_SUMMARY_CHARS_MAX)
        return [f"Analysis: {summary}\n{words.confidence_of(explained)} {words.PROVENANCE}"]
    fix = explained.suggested_fix
    return [
        f"Analysis: {cut(clean(explained.summary), words.SUMMARY_CHARS_MAX)}",
        f"Likely cause: {cut(clean(explained.likely_cause), words.CAUSE_CHARS_MAX)}",
        f"Suggested fix:\n{cut(clean(fix), words.FIX_CHARS_MAX)}" if fix else "",
        f"{words.confidence_of(explained)} {words.PROVENANCE}",
    ]


def _plain_footer(notice: Notice) -> str:
    page = page_of(notice)
    lines = [inert(_why(notice)), *([f"Alert settings: {page}/alerts"] if page else [])]
    lines += [inert(_ending(notice)), f"Unsubscribe: {notice.unsubscribe_url}"] if notice.unsubscribe_url else []
    return "\n".join(lines)

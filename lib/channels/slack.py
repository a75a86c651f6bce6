"""Slack's incoming webhooks, and what takes their form (Mattermost, Rocket.Chat and others read `text` where not the blocks).

What comes from events stands in plain text or code, escaped as docs.slack.dev/messaging/formatting-message-text asks, with
`verbatim`, so that nothing in it becomes a link, a mention or markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lib.channels import hooks, words
from lib.channels.links import page_of, ways_of
from lib.channels.notice import Item, Notice
from lib.channels.outcome import Sent
from lib.channels.text import inert, listed, one_line, within

ITEMS_MAX = 8  # of at most 5 blocks each, of 50
HEADER_CHARS_MAX = 150
SECTION_CHARS_MAX = 3_000
FIELD_CHARS_MAX = 2_000
TEXT_CHARS_MAX = 3_000
SUMMARY_CHARS_MAX = 600
# Gone, forbidden or not understood: a frozen message is not understood later either.
PERMANENT = {400, 401, 403, 404, 410, 413}


def render(notice: Notice, **_unused: object) -> dict[str, Any]:
    """{"body": what is posted}."""
    shown = notice._replace(items=notice.items[:ITEMS_MAX], omitted=notice.omitted + len(notice.items[ITEMS_MAX:]))
    blocks = [block for item in shown.items for block in _blocks(shown, item)]
    project = listed([words.name_of(shown.project_name), words.name_of(shown.workspace_name)])
    single = len(shown.items) == 1 and not shown.omitted
    top = [] if single else [_header(words.headline_of(shown))]
    more = words.more_of(shown.omitted)
    end = _plain("context", listed([project, more]) or "Sensra", 500)
    if page := page_of(shown):
        end["elements"].append(_mrkdwn("section", f"<{page}|Open the project>")["text"])
    body = {"text": _text(shown, project), "blocks": [*top, *blocks, end], "unfurl_links": False, "unfurl_media": False}
    return {"body": {**body, "mrkdwn": False, "parse": "none", "link_names": False}}


def check_target(target: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where the URL may not be called."""
    hooks.check_url(target)


async def send(content: Mapping[str, Any], target: Mapping[str, Any], **_unused: object) -> Sent:
    """POST it; no key can be given along. Raises ChannelError."""
    await hooks.post(target["url"], orjson.dumps(content["body"]), {}, permanent=PERMANENT)
    return Sent(None)


def _text(notice: Notice, project: str) -> str:
    """What notifications show, and those who read no blocks."""
    items = [f"{_escaped(words.title_of(item), 200)} {_ways(notice, item)}".rstrip() for item in notice.items]
    return "\n".join([_escaped(f"[{project}] {words.headline_of(notice)}", 600), *items])


def _blocks(notice: Notice, item: Item) -> list[dict[str, Any]]:
    frame, explained = item.frame, item.explained
    where = listed([one_line(item.culprit or "", words.TITLE_CHARS_MAX), words.reason_of(item)])
    told = [*words.numbers_of(item), *words.facts_of(item)][:7]
    facts = listed([f"{name}: {value}" for name, value in told])
    blocks = [
        _header(f"{words.label_of(item)}: {words.title_of(item)}"),
        _plain("context", listed([where, facts]), FIELD_CHARS_MAX),
    ]
    if frame:
        place, source = words.place_of(frame), words.source_of(frame)
        blocks.append(_mrkdwn("section", f"```{_code(place)}\n{_code(source)}```" if source else f"```{_code(place)}```"))
    if explained:
        summary = one_line(explained.summary, SUMMARY_CHARS_MAX)
        blocks.append(_plain("section", f"{summary}\n({words.confidence_of(explained)} {words.PROVENANCE})", SECTION_CHARS_MAX))
    end = f"{_ways(notice, item)}  {_escaped(words.redaction_of(item), 200)}".strip()
    blocks += [_mrkdwn("section", end)] if end else []
    return blocks


def _ways(notice: Notice, item: Item) -> str:
    return " · ".join(f"<{url}|{name}>" for name, url in ways_of(notice, item))


def _header(content: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": _escaped(content, HEADER_CHARS_MAX), "emoji": False}}


def _plain(kind: str, content: str, chars_max: int) -> dict[str, Any]:
    return _block(kind, {"type": "plain_text", "text": _escaped(content, chars_max), "emoji": False})


def _mrkdwn(kind: str, content: str) -> dict[str, Any]:
    return _block(kind, {"type": "mrkdwn", "text": content, "verbatim": True})


def _block(kind: str, text: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "elements": [text]} if kind == "context" else {"type": kind, "text": text}


def _code(content: str) -> str:
    """Text between ``` and ```, which it cannot end."""
    return _escaped(content, 1_200)


def _escaped(content: str, chars_max: int) -> str:
    return within(content, chars_max, _escape)


def _escape(content: str) -> str:
    return inert(content).replace("`", "ˋ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

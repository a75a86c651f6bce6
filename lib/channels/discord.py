"""Discord's webhooks: an embed an incident; nobody is mentioned, and markdown of events is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import orjson

from lib.channels import hooks, words
from lib.channels.links import page_of, ways_of
from lib.channels.notice import Item, Notice
from lib.channels.outcome import Sent
from lib.channels.text import inert, listed, one_line, within

# All embeds of a message may have 6,000 characters; one here has at most 1,400.
ITEMS_MAX = 4
TITLE_CHARS_MAX = 200
PLACE_CHARS_MAX = 200
REASON_CHARS_MAX = 250
SOURCE_CHARS_MAX = 200
FIELD_CHARS_MAX = 50
SUMMARY_CHARS_MAX = 300
COLOURS = {"fatal": 0xB42318, "error": 0xB42318, "warning": 0xB54708, "info": 0x1849A9}
COLOUR_OTHER = 0x5A6372
PERMANENT = {400, 401, 403, 404, 410, 413}
_MARKDOWN = re.compile(r"([\\*_~`|<>#\-+\[\]():])")


def render(notice: Notice, **_unused: object) -> dict[str, Any]:
    """{"body": what is posted}."""
    shown = notice._replace(items=notice.items[:ITEMS_MAX], omitted=notice.omitted + len(notice.items[ITEMS_MAX:]))
    project = listed([words.name_of(shown.project_name), words.name_of(shown.workspace_name)])
    more = words.more_of(shown.omitted)
    content = f"**{_escaped(listed([project, words.headline_of(shown)]), 400)}**"
    if more:
        content += f"\n{more} {_project(shown)}"
    embeds = [_embed(shown, item) for item in shown.items] or [{"description": _project(shown)}]
    return {"body": {"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}}


def check_target(target: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where the URL may not be called."""
    hooks.check_url(target)


async def send(content: Mapping[str, Any], target: Mapping[str, Any], **_unused: object) -> Sent:
    """POST it; no key can be given along. Raises ChannelError."""
    await hooks.post(target["url"], orjson.dumps(content["body"]), {}, permanent=PERMANENT)
    return Sent(None)


def _project(notice: Notice) -> str:
    page = page_of(notice)
    return f"[Open the project]({page})" if page else "The project's page has them all."


def _embed(notice: Notice, item: Item) -> dict[str, Any]:
    ways, redaction = ways_of(notice, item), words.redaction_of(item)
    line = " · ".join(f"[{name}]({url})" for name, url in ways)
    told = [*words.numbers_of(item), *words.facts_of(item)][:6]
    fields = [{"name": name, "value": _escaped(value, FIELD_CHARS_MAX), "inline": True} for name, value in told]
    return {
        "title": _escaped(f"{words.label_of(item)}: {words.title_of(item)}", TITLE_CHARS_MAX),
        **({"url": ways[0][1]} if ways else {}),
        "description": f"{_description(item)}\n{line}".rstrip(),
        "color": COLOURS.get(item.level, COLOUR_OTHER),
        "timestamp": item.last_seen.astimezone(UTC).isoformat(),
        "fields": fields,
        **({"footer": {"text": redaction}} if redaction else {}),
    }


def _description(item: Item) -> str:
    lines = [_escaped(words.reason_of(item), REASON_CHARS_MAX)]
    if item.frame:
        lines.append(_escaped(words.place_of(item.frame), PLACE_CHARS_MAX))
        source = within(words.source_of(item.frame).replace("`", "ˋ"), SOURCE_CHARS_MAX, inert)
        lines += [f"```\n{source}\n```"] if source else []
    if item.explained:
        summary = _escaped(one_line(item.explained.summary, SUMMARY_CHARS_MAX), SUMMARY_CHARS_MAX)
        lines += [summary, f"*{words.confidence_of(item.explained)} {words.PROVENANCE}*"]
    return "\n".join(lines)


def _escaped(content: str, chars_max: int) -> str:
    return within(content, chars_max, _escape)


def _escape(content: str) -> str:
    return _MARKDOWN.sub(r"\\\1", inert(content))

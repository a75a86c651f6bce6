"""Links from a message into the deployment. They open pages; nothing changes by following one, since mail scanners follow all."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from lib.channels.notice import Item, Notice


class Links(NamedTuple):
    """Pages of one incident; two of them ask at once whether to resolve or to mute it."""

    open: str
    resolve: str
    mute: str


def links_of(notice: Notice, item: Item) -> Links | None:
    """Where one incident is seen; None where the deployment does not know its own address."""
    project = page_of(notice)
    page = f"{project}/incidents/{item.incident_id}"
    return Links(page, f"{page}?then=resolve", f"{page}?then=mute") if project else None


def ways_of(notice: Notice, item: Item) -> list[tuple[str, str]]:
    """The same as (words, address)."""
    links = links_of(notice, item)
    return [("Open", links.open), ("Resolve", links.resolve), ("Mute", links.mute)] if links else []


def page_of(notice: Notice) -> str | None:
    """Where the project is seen: a route of the dashboard, which is one file."""
    return f"{origin_of(notice.base_url)}/projects/{notice.project_id}" if notice.base_url else None


def origin_of(base_url: str) -> str:
    """Scheme and host, without anything else."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"

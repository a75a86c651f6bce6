"""What arrived of a sample program's run: read back through the read API alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import httpx


class Arrival(NamedTuple):
    """An event as the API shows it, and the incident that it joined."""

    incident: dict[str, Any]
    event: dict[str, Any]

    @property
    def payload(self) -> dict[str, Any]:
        """The redacted payload."""
        return dict(self.event["payload"])

    @property
    def headline(self) -> dict[str, Any]:
        """The exception that names the incident."""
        return dict(self.payload["exception"]["values"][-1])

    @property
    def frames(self) -> list[dict[str, Any]]:
        """Its frames, the crash last."""
        return list(self.headline["stacktrace"]["frames"])


class Reader:
    """A member's view of one project."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str], project_id: int) -> None:
        self._client = client
        self._headers = headers
        self._root = f"/api/projects/{project_id}"

    async def get(self, path: str) -> Any:
        """The JSON of a page below the project; anything but 200 fails the test."""
        answer = await self._client.get(self._root + path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.get(f"{path}?limit=100&cursor={cursor}")
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    async def arrivals(self, release: str | None = None) -> dict[str, list[Arrival]]:
        """Every event (of this release), by the tag `case` that the programs set; without it under an empty name."""
        found = defaultdict(list)
        for incident in await self.items("/incidents"):
            for row in await self.items(f"/incidents/{incident['id']}/events"):
                if release in (None, row["release"]):
                    event = await self.get(f"/events/{row['event_id']}")
                    found[event["payload"].get("tags", {}).get("case", "")].append(Arrival(incident, event))
        return dict(found)

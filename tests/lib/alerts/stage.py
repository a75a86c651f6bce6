"""A project with people, rules and channels, and sweeps over it on a clock that only a test moves."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db
from lib.alerts import sweep
from lib.recording import Recorder
from tests.conftest import OutboxStandIn, SinkStandIn
from tests.lib.rows import ask, make_project, row

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Alerting:
    """What the sweep sees, and what came of it."""

    def __init__(self, url: str, database: db.Database, recorder: Recorder, outbox: OutboxStandIn, sink: SinkStandIn) -> None:
        self.url, self.database, self.recorder, self.outbox, self.sink = url, database, recorder, outbox, sink
        self.now = datetime.now(UTC) + MINUTE
        self.project_id = 0

    async def begin(self) -> None:
        """A project whose owner is olga, and nothing else that waits."""
        await ask(self.url, "DELETE FROM deliveries; DELETE FROM alerts; DELETE FROM alert_watches; DELETE FROM notices")
        await ask(self.url, "UPDATE transitions SET handled_at = now() WHERE handled_at IS NULL")
        self.project_id = await make_project(self.url)
        await self.member("olga", "owner")

    async def member(self, name: str, role: str, project_id: int | None = None) -> str:
        """A member of the workspace; answers the address."""
        address = f"{name}-{uuid.uuid4().hex[:6]}@example.com"
        await ask(
            self.url,
            "WITH p AS (INSERT INTO people (clerk_user_id, email) VALUES (%s, %s) RETURNING id)"
            " INSERT INTO members SELECT pr.workspace_id, p.id, %s FROM p, projects pr WHERE pr.id = %s",
            address, address, role, project_id or self.project_id,
        )  # fmt: skip
        return address

    async def rule(
        self, conditions: dict[str, Any], filters: dict[str, Any] | None = None, quiet_hours: dict[str, Any] | None = None,
        channel: dict[str, Any] | None = None,
    ) -> int:  # fmt: skip
        """This rule in the place of the default one, over a webhook to the sink; channel: other columns of it."""
        await ask(self.url, "DELETE FROM alert_rules WHERE project_id = %s", self.project_id)
        columns: dict[str, Any] = {
            "kind": "webhook", "target": json.dumps({"url": f"{self.sink.url}/local/sink/webhook", "secret": self.sink.secret}),
            "digest_minutes": 0, **(channel or {}),
        }  # fmt: skip
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        [(channel_id,)] = await ask(
            self.url,
            f"INSERT INTO channels (project_id, name, {names}) VALUES (%s, 'Ops', {marks}) RETURNING id",
            self.project_id, *columns.values(),
        )  # fmt: skip
        [(rule_id,)] = await ask(
            self.url,
            "INSERT INTO alert_rules (project_id, name, conditions, filters, quiet_hours) VALUES (%s, 'Test', %s, %s, %s)"
            " RETURNING id",
            self.project_id, json.dumps(conditions), json.dumps(filters or {}), quiet_hours and json.dumps(quiet_hours),
        )  # fmt: skip
        await ask(self.url, "INSERT INTO alert_rule_channels VALUES (%s, %s, %s)", self.project_id, rule_id, channel_id)
        return int(channel_id)

    async def record(self, crash: object = "crash", number: int = 1, **columns: Any) -> int:
        """So many events of this crash; answers its incident."""
        columns = {"environment": "production"} | columns
        answers = await self.recorder.record([row(self.project_id, crash, **columns) for _ in range(number)])
        [incident_id] = {answer.incident_id for answer in answers}  # type: ignore[union-attr]
        assert incident_id
        return incident_id

    async def sweep(self, after: timedelta | None = None, *, is_last: bool = False) -> Counter[str]:
        """Sweep, after so long."""
        self.now += after or timedelta()
        return await sweep.run(self.database, lambda: self.now, is_last=is_last)

    def told(self) -> list[list[tuple[int, str]]]:
        """(incident, transition) of each item, of each message that the sink has got."""
        return [[(item["incident_id"], item["transition"]) for item in post.body["data"]["items"]] for post in self.sink.posts]

    async def rows(self, sql: str, *params: Any) -> list[Any]:
        """What the database holds."""
        return await ask(self.url, sql, *params)

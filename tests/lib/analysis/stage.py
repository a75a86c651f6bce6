"""A project with incidents to analyse, a clock to turn, and sweeps on demand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from lib import db, payloads, recording
from lib.analysis.sweeping import sweep
from lib.recording import Recorder
from tests.conftest import ModelStandIn
from tests.lib import rows

SECONDS = 50


def exception(message: str = "'id'", *, function: str = "total", **more: Any) -> dict[str, Any]:
    """A payload with a crash in the application, called by a library."""
    frames = [
        {"filename": "flask/app.py", "function": "dispatch", "module": "flask.app", "lineno": 880, "in_app": False},
        {
            "filename": "shop/pay.py", "function": function, "module": "shop.pay", "lineno": 42, "in_app": True,
            "pre_context": ["def total(cart):"], "context_line": "    return cart['id'] * 2", "post_context": [""],
        },
    ]  # fmt: skip
    return {"exception": {"values": [{"type": "KeyError", "value": message, "stacktrace": {"frames": frames}}]}, **more}


class Stage:
    """One workspace with one project, the model behind it, and a clock that stands still until it is turned."""

    def __init__(self, url: str, project_id: int, model: ModelStandIn) -> None:
        self.url, self.project_id, self.stand_in = url, project_id, model
        self.model = model.model
        self.now = datetime.now(UTC)
        self.database = db.Database(url)
        self.recorder = Recorder(lambda: db.connect(url))

    def clock(self) -> datetime:
        """The time as it is here."""
        return self.now

    def turn(self, **delta: float) -> None:
        """Turn the clock forwards."""
        self.now += timedelta(**delta)

    async def record(
        self, crash: object = "crash", payload: dict[str, Any] | None = None, *, times: int = 1, **columns: Any
    ) -> int:
        """Record events of a crash; answers their incident."""
        made = [self.row(crash, payload, **columns) for _ in range(times)]
        found = await self.recorder.record(made)
        answer = found[0]
        assert isinstance(answer, recording.Recorded), answer
        assert answer.incident_id
        return answer.incident_id

    def row(self, crash: object, payload: dict[str, Any] | None = None, **columns: Any) -> recording.Row:
        """An event of this crash, to record."""
        made = rows.row(columns.pop("project_id", self.project_id), crash, **columns)
        body = exception() if payload is None else payload
        dictionary, data = payloads.compress(orjson.dumps({"payload": body, "removals": []}))
        return recording.Row(made.columns | {"dictionary": dictionary}, data)

    async def sweep(self) -> Counter[str]:
        """One sweep at the time of the clock, which is never behind the database's."""
        self.now = max(self.now, datetime.now(UTC))
        await self.alert()
        return await sweep(self.database, deadline=self.now + timedelta(seconds=SECONDS), clock=self.clock)

    async def alert(self) -> None:
        """Alerts are done with every transition, as far as nobody holds it."""
        await self.ask(
            "UPDATE transitions SET handled_at = now() WHERE (project_id, id) IN"
            " (SELECT project_id, id FROM transitions WHERE handled_at IS NULL FOR UPDATE SKIP LOCKED)"
        )

    async def ask(self, sql: str, *params: Any) -> list[Any]:
        """What the database holds."""
        return await rows.ask(self.url, sql, *params)

    async def told(self, incident_id: int) -> list[tuple[str, str, str | None]]:
        """(cause, state, reason) of an incident's analyses, the oldest first."""
        sql = "SELECT cause, state, reason FROM analyses WHERE project_id = %s AND incident_id = %s ORDER BY id"
        return await self.ask(sql, self.project_id, incident_id)

    async def resolve(self, incident_id: int) -> None:
        """Somebody says that it is mended."""
        await self.ask(
            "UPDATE incidents SET status = 'resolved', status_changed_at = now() - interval '1 minute',"
            " resolved_release = last_release WHERE project_id = %s AND id = %s",
            self.project_id, incident_id,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connections."""
        await self.recorder.close()
        await self.database.close()

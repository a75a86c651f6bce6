"""`python -m bench.alerts`, part of `make bench`: ingest beside alerts and analyses, and how many messages leave a second.

    python -m bench.alerts [--events 1500] [--corpus FILE]

The same load is sent three times: alone; while sweeps, woken each second, send 20 mails and webhooks a second and explain
incidents, four at a time; and the same while the model hangs. Before each, as many incidents are made and as many messages queued
as last for it. Mail, webhooks and the model are stand-ins on this machine; the model takes a second for an answer.

The function that sweeps and the stand-ins have the lowest priority, since on Vercel they do not share ingest's cores; what they
cost the database, which is shared there too, they cost here. "Alone" is measured before and after, and both are averaged.
At the end messages leave with nothing beside them. Writes bench/results/alerts.json, which docs/bench.md is made of, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import orjson

from bench import beside, corpus, ingest, machine, processes
from bench.receivers import RESEND_KEY
from bench.stage import Served, Stage, Tenant, load, serve, set_up
from lib import channels
from lib.channels import Kind
from lib.channels.notice import Explained, Frame, Item, Notice
from lib.channels.webhook import new_secret
from local.model import KEY as MODEL_KEY
from local.receivers import MAIL_FROM

CRON = "api.cron.alerts:app"
PATH = "/api/cron/alerts"
SECRET = uuid.uuid4().hex
PACED_SECONDS = 6
# Of the load that is drained alone: sweeps find room beside it, as they do elsewhere.
PACED_SHARE = 0.3
WARM_UP_EVENTS = 800
KINDS = 200
TENANTS = 30
MESSAGES_PER_SECOND, MESSAGES = 20, 3_000
WAKE_SECONDS = 1.0
# What is sent as fast as it goes at the end.
COUNTED: dict[Kind, int] = {"webhook": 1_200, "email": 600}
SWEEP_SECONDS_MAX = 150.0
Result = dict[str, Any]


def content(kind: Kind) -> str:
    """A message as alerts have it, rendered."""
    now = datetime.now(UTC)
    frame = Frame("shop/checkout/plans.py", 42, "price_of", 'return PLANS[customer["plan"]].price')
    explained = Explained("The plan is looked up in a table that has it no more.", "It was removed.", "Use PLANS.get(…).", 0.8)
    item = Item(
        1, "new", "seen for the first time", "KeyError: no plan for [redacted:email]", "shop.checkout.plans in price_of", "error",
        "python", "production", "shop@1.4.2", now, now, 1_284, 37, frame, explained, 3,
    )  # fmt: skip
    unsubscribe_url = "https://bench.test/api/alerts/unsubscribe?token=t"
    notice = Notice("Acme", 1, "Shop", (item,), 0, "https://bench.test", unsubscribe_url, "Ops")
    return orjson.dumps(channels.render(kind, notice, delivery_id=str(uuid.uuid4()), created_at=now)).decode()


class Beside:
    """What runs beside ingest: an instance that sweeps, the stand-ins, and what there is to do for them."""

    def __init__(self, stage: Stage, cron: Served, receivers: Served) -> None:
        self.stage, self.cron, self.receivers = stage, cron, receivers

    async def queue(self, tenants: list[Tenant], kind: Kind, number: int, per_second: float | None = None) -> None:
        """So many messages, spread over the tenants, due one after the other at this rate; None: at once."""
        target = orjson.dumps({"url": f"{self.receivers.url}/local/sink/webhook", "secret": new_secret()}).decode()
        is_mail = kind == "email"
        for tenant in tenants:
            await self.stage.change(
                "WITH c AS (INSERT INTO channels (project_id, kind, name, target) VALUES (%s, %s, 'Bench', %s::jsonb)"
                " RETURNING project_id, id)"
                " INSERT INTO deliveries (workspace_id, id, project_id, channel_id, purpose, kind, recipient, content,"
                " idempotency_key, next_try_at)"
                " SELECT p.workspace_id, gen_random_uuid(), p.id, c.id, 'test', %s, %s, %s::jsonb, gen_random_uuid()::text,"
                " clock_timestamp() + n * %s * interval '1 second'"
                " FROM c JOIN projects p ON p.id = c.project_id, generate_series(1, %s) n",
                tenant.project_id, kind, None if is_mail else target, kind, "to@example.com" if is_mail else None, content(kind),
                len(tenants) / per_second if per_second else 0.0, number // len(tenants),
            )  # fmt: skip

    async def sweep(self, query: str = "") -> None:
        """One sweep, whole, or begun after the answer."""
        async with httpx.AsyncClient(timeout=SWEEP_SECONDS_MAX) as client:
            headers = {"Authorization": f"Bearer {SECRET}"}
            (await client.post(self.cron.url + PATH + query, headers=headers)).raise_for_status()

    async def keep_waking(self) -> None:
        """As other functions do it, until cancelled."""
        while True:
            await self.sweep("?answer=first")
            await asyncio.sleep(WAKE_SECONDS)

    async def done(self) -> dict[str, float]:
        """So far: messages sent, analyses made or under way, since when."""
        return {
            "at": time.monotonic(),
            "sent": await self.stage.ask("SELECT count(*) FROM deliveries WHERE state = 'sent'"),
            "analyses": await self.stage.ask("SELECT count(*) FROM analyses WHERE called_at IS NOT NULL"),
        }


@asynccontextmanager
async def started(stage: Stage, model: str, *, gives_way: bool) -> AsyncIterator[Beside]:
    """An instance that sweeps, and stand-ins whose model does as it is told."""
    with serve("bench.receivers:app", 1, BENCH_MODEL=model) as receivers:
        environment = {
            "CRON_SECRET": SECRET, "PUBLIC_URL": "https://bench.test", "OUTBOUND_PRIVATE_ALLOWED": "1", "MAIL_FROM": MAIL_FROM,
            "RESEND_API_KEY": RESEND_KEY, "RESEND_API_URL": receivers.url, "OPENAI_API_KEY": MODEL_KEY,
            "OPENAI_BASE_URL": f"{receivers.url}/v1", "ANALYSIS_BUDGET_USD": "1000", "ANALYSIS_WORKSPACE_BUDGET_USD": "1000",
        }  # fmt: skip
        with serve(CRON, 1, **environment) as cron:
            for served in (receivers, cron) if gives_way else ():
                processes.give_way(served.processes[0].pid)
            yield Beside(stage, cron, receivers)


class Bench:
    """The runs on one stage."""

    def __init__(self, stage: Stage, served: Served, given: argparse.Namespace) -> None:
        self.stage, self.served, self.files = stage, served, given.corpus
        self._closed = ingest.Bench(stage, argparse.Namespace(events=given.events, corpus=given.corpus, rounds=1))
        self._rate = 0.0

    async def begin(self, tenant: Tenant) -> None:
        """Warm up."""
        await load(self.served.dsn(tenant), WARM_UP_EVENTS, "mix", self.files)

    async def run(self, tenant: Tenant) -> Result:
        """As fast as it goes, then paced."""
        closed = await self._closed.run(self.served, tenant, "mix")
        self._rate = self._rate or round(closed["drained_per_second"] * PACED_SHARE)
        paced = await load(self.served.dsn(tenant), round(self._rate * PACED_SECONDS), "mix", self.files, self._rate)
        kept = {name: closed[name] for name in ("drained_per_second", "app_cpu_ms", "postgres_cpu_ms", "others_cores")}
        return {**kept, "rate": self._rate, "p50_ms": paced["p50_ms"], "p99_ms": paced["p99_ms"]}

    async def run_beside(self, tenant: Tenant, model: str) -> Result:
        """The same while sweeps follow one another."""
        others = [await self.stage.tenant() for _ in range(TENANTS)]
        await self.stage.change(
            "INSERT INTO analysis_options (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max)"
            " VALUES (%s, 1, true, '{}', 1, 60, 1000)",
            others[0].project_id,
        )
        await load(self.served.dsn(others[0]), KINDS, "mix", self.files)
        async with started(self.stage, model, gives_way=True) as side:
            for kind in COUNTED:
                await side.queue(others, kind, MESSAGES // len(COUNTED), MESSAGES_PER_SECOND / len(COUNTED))
            waking = asyncio.create_task(side.keep_waking())
            await asyncio.sleep(1)
            before = await side.done()
            measured = await self.run(tenant)
            after = await side.done()
            waking.cancel()
            with suppress(asyncio.CancelledError):
                await waking
        await self.stage.change("UPDATE deliveries SET state = 'cancelled', next_try_at = NULL WHERE state = 'pending'")
        seconds = after["at"] - before["at"]
        return {
            **measured,
            "sent_per_second": round((after["sent"] - before["sent"]) / seconds, 1),
            "analyses": int(after["analyses"] - before["analyses"]),
        }


async def sent_per_second(stage: Stage) -> dict[Kind, int]:
    """How many messages of each kind one sweep after the other sends with nothing beside it."""
    found: dict[Kind, int] = {}
    async with started(stage, "work", gives_way=False) as side:
        for kind, number in COUNTED.items():
            tenants = [await stage.tenant() for _ in range(TENANTS)]
            await side.sweep()  # what else there was to follow up; and the modules are there
            await side.queue(tenants, kind, number)
            began = time.monotonic()
            while await stage.ask("SELECT count(*) FROM deliveries WHERE state = 'pending'"):
                await side.sweep()
            found[kind] = round(number / (time.monotonic() - began))
    return found


def averaged(runs: list[Result]) -> Result:
    """The mean of each figure."""
    return {name: round(mean(run[name] for run in runs), 3) for name in runs[0]}


async def measure(given: argparse.Namespace) -> Result:
    """Everything once."""
    async with set_up() as stage:
        described = machine.describe(stage.server.folder)
        with serve(ingest.APP, ingest.INSTANCES) as served:
            bench, tenant = Bench(stage, served, given), await stage.tenant()
            await bench.begin(tenant)
            first = await bench.run(tenant)
            working = await bench.run_beside(tenant, "slow")
            hanging = await bench.run_beside(tenant, "hang")
            last = await bench.run(tenant)
        alone = averaged([first, last])
        return {
            "machine": described,
            "instances": ingest.INSTANCES,
            "events_per_run": given.events,
            "runs": {"alone": alone, "working": working, "hanging": hanging},
            "alone_each": [first, last],
            "sent_per_second": await sent_per_second(stage),
        }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1500, help="events a run")
    parser.add_argument("--corpus", type=Path, action="append", default=[])
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 where ingest is not what it is alone, and nothing else disturbed it."""
    try:
        result = asyncio.run(measure(arguments()))
    except corpus.NoCorpusError as error:
        print(error, file=sys.stderr)
        return 2
    beside.RESULT.parent.mkdir(exist_ok=True)
    beside.RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print("\n" + beside.plain(result))
    return 1 if beside.missed(result) else 0


if __name__ == "__main__":
    sys.exit(main())

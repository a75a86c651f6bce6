"""A shop's bad fortnight: events that look like real ones, for the pages to show. The same every time but for its clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx

BATCH = 200
DAYS = 14
RELEASES = ("shop@2.14.0", "shop@2.14.1", "shop@2.15.0")
PYTHON_SOURCE = (
    "    def total(self, cart: Cart) -> Decimal:",
    '        """What the cart costs, with its voucher."""',
    "        voucher = cart.voucher",
    "        plan = self.plans[cart.plan_id]",
    "        price = sum(line.price * line.count for line in cart.lines)",
    "        if voucher and voucher.valid_on(self.today):",
    '            price -= voucher.discount_of(price, plan, currency="EUR")',
    "        return price.quantize(CENT)",
)
SCRIPT_SOURCE = (
    "export async function loadCart(id) {",
    "  const answer = await fetch(`/api/carts/${id}`);",
    "  const cart = await answer.json();",
    "  // older carts have no lines",
    "  return cart.lines.map((line) => line.price * line.count);",
    "}",
)


class Kind(NamedTuple):
    """One bug of the shop. share: of all events; from_day: how many days ago it began."""

    type: str
    value: str
    level: str
    platform: str
    where: str
    share: int
    from_day: float
    environments: tuple[str, ...] = ("production",)
    cause: tuple[str, str] | None = None


KINDS = (
    Kind(
        "PaymentDeclined",
        "card of customer jane@example.com was declined by the bank",
        "error",
        "python",
        "shop.payment.charge",
        22,
        14,
        cause=("HTTPError", "402 Client Error: Payment Required for url: https://bank.example.com/v2/charges"),
    ),
    Kind(
        "TypeError",
        "Cannot read properties of undefined (reading 'map')",
        "error",
        "javascript",
        "cart/load.loadCart",
        34,
        9,
        ("production", "staging"),
    ),
    Kind("KeyError", "'plan_9f3c'", "error", "python", "shop.pricing.total", 9, 0.4),
    Kind(
        "OperationalError",
        "server closed the connection unexpectedly",
        "fatal",
        "python",
        "shop.db.connect",
        5,
        2.2,
        cause=("TimeoutError", "connection to 10.0.4.17 timed out after 5.0 s"),
    ),
    Kind(
        "ConnectionResetError", "[Errno 104] Connection reset by peer", "warning", "python", "shop.warehouse.client.stock", 12, 12
    ),
    Kind("TemplateNotFound", "mail/reminder_de.html", "error", "python", "shop.mail.render", 2, 6),
    Kind(
        "ValidationError",
        "1 validation error for Order: lines.0.count must be greater than 0",
        "warning",
        "python",
        "shop.orders.create",
        7,
        11,
        ("production", "staging"),
    ),
    Kind("RangeError", "Maximum call stack size exceeded", "error", "javascript", "catalog/tree.walk", 3, 4.5),
    Kind("ChunkLoadError", "Loading chunk 417 failed", "warning", "javascript", "app/router.load", 6, 13),
    Kind("AssertionError", "stock of 'blue kettle' fell below zero", "fatal", "python", "shop.stock.reserve", 1, 0.15),
    Kind(
        "NoSuchKey", "The specified key does not exist: invoices/2026/11/8841.pdf", "error", "python", "shop.invoices.fetch", 3, 8
    ),
    Kind(
        "UnicodeDecodeError",
        "'utf-8' codec can't decode byte 0xfc in position 12",
        "error",
        "python",
        "shop.feeds.read",
        2,
        10,
        ("staging",),
    ),
    Kind("DeadlockDetected", "deadlock detected while waiting for ShareLock", "error", "python", "shop.orders.confirm", 2, 3),
    Kind(
        "SyntaxError", "Unexpected token '<', \"<!doctype \"... is not valid JSON", "error", "javascript", "api/client.read", 5, 7
    ),
)


def frames_of(kind: Kind, chance: random.Random) -> list[dict[str, Any]]:
    """The stack, oldest first: a framework's frames, then the shop's own."""
    module, _, function = kind.where.rpartition(".")
    python = kind.platform == "python"
    source = PYTHON_SOURCE if python else SCRIPT_SOURCE
    path = module.replace(".", "/") + (".py" if python else ".js")
    library = "django.core.handlers" if python else "node_modules/react-dom"
    outer: list[dict[str, Any]] = [
        {
            "filename": f"{library.replace('.', '/')}/part{n}.{'py' if python else 'js'}",
            "module": library,
            "function": f"step_{n}",
            "lineno": 40 + n,
            "in_app": False,
        }
        for n in range(9)
    ]
    at = len(source) // 2
    own: list[dict[str, Any]] = [
        {
            "filename": "shop/views.py" if python else "src/app.js",
            "module": "shop.views",
            "function": "checkout",
            "lineno": 88,
            "in_app": True,
            "pre_context": ["@transaction.atomic", "def checkout(request):", "    cart = Cart.of(request)"],
            "context_line": "    price = pricing.total(cart)",
            "post_context": ["    charge(cart, price)", "    return redirect('thanks')"],
        },
        {
            "filename": path,
            "abs_path": f"/srv/app/{path}",
            "module": module,
            "function": function,
            "lineno": 41 + at,
            "in_app": True,
            "pre_context": list(source[:at]),
            "context_line": source[at],
            "post_context": list(source[at + 1 :]),
            "vars": {
                "cart": {"id": f"cart_{chance.randrange(10**6)}", "lines": 3, "voucher": None},
                "self": "<Pricing of 2026-11>",
                "attempt": 2,
                "password": "hunter2-" + str(chance.randrange(10**6)),
            },
        },
    ]
    return [*outer, *own]


def event(kind: Kind, at: datetime, chance: random.Random) -> dict[str, Any]:
    """One event in Sentry's form."""
    age = (datetime.now(UTC) - at) / timedelta(days=DAYS)
    release = RELEASES[2 if age < 0.12 else 1 if age < 0.5 else 0]
    frames = frames_of(kind, chance)
    values: list[dict[str, Any]] = [
        {
            "type": kind.type,
            "value": kind.value,
            "module": kind.where.rpartition(".")[0],
            "stacktrace": {"frames": frames},
            "mechanism": {"type": "django", "handled": False, "exception_id": 0},
        }
    ]
    if kind.cause:
        cause = {
            "type": kind.cause[0],
            "value": kind.cause[1],
            "stacktrace": {"frames": frames[:10]},
            "mechanism": {"type": "chained", "source": "__cause__", "exception_id": 1, "parent_id": 0},
        }
        values.insert(0, cause)
    person = chance.randrange(60)
    return {
        "timestamp": at.isoformat(),
        "level": kind.level,
        "platform": kind.platform,
        "release": release,
        "environment": chance.choice(kind.environments),
        "transaction": "/checkout/{cart}",
        "server_name": f"web-{person % 4}",
        "exception": {"values": values},
        "user": {"id": f"customer-{person}", "email": f"c{person}@example.com"},
        "tags": {"region": chance.choice(("eu", "eu", "us")), "plan": chance.choice(("free", "team")), "browser": "Firefox 145"},
        "request": {
            "method": "POST",
            "url": f"https://shop.example.com/checkout/{person}?token=t0ps3cr3t{person}",
            "headers": {"User-Agent": "Mozilla/5.0", "Accept-Language": "de", "Cookie": "session=abc"},
        },
        "breadcrumbs": {"values": crumbs(at, person)},
        "contexts": {"runtime": {"name": "CPython", "version": "3.12.8"}, "os": {"name": "Linux", "version": "6.8"}},
        "sdk": {"name": "sentry.python", "version": "2.46.0"},
        "extra": {"cart_value": "129.90", "retries": 2},
    }


def crumbs(at: datetime, person: int) -> list[dict[str, Any]]:
    """What went before, oldest first."""
    steps = (
        (42, "navigation", "info", f"/products → /cart/{person}"),
        (21, "http", "info", "GET https://warehouse.example.com/stock/kettle 200"),
        (9, "query", "info", "SELECT id, plan_id FROM carts WHERE customer_id = %s"),
        (4, "shop.payment", "warning", f"bank answers slowly for c{person}@example.com"),
        (1, "shop.payment", "error", "charge failed, trying again"),
    )
    return [
        {"timestamp": (at - timedelta(seconds=ago)).isoformat(), "category": category, "level": level, "message": message}
        for ago, category, level, message in steps
    ]


def events(number: int) -> Iterator[dict[str, Any]]:
    """About so many events, the oldest first, as they would have come."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    total = sum(kind.share for kind in KINDS)
    for kind in sorted(KINDS, key=lambda one: -one.from_day):
        wanted = max(1, round(number * kind.share / total))
        ages = sorted((kind.from_day * chance.random() ** 1.6 for _ in range(wanted)), reverse=True)
        for age in ages:
            yield event(kind, now - timedelta(days=age), chance)


def send(url: str, key: str, number: int = 900) -> None:
    """Send them all; raises httpx.HTTPStatusError where they are refused."""
    found = list(events(number))
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        for start in range(0, len(found), BATCH):
            client.post("/api/ingest", json=found[start : start + BATCH]).raise_for_status()

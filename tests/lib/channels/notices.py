"""Notices made to order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lib.channels.notice import Explained, Frame, Item, Notice

CREATED_AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
BASE_URL = "https://sensra.test"
UNSUBSCRIBE_URL = f"{BASE_URL}/api/alerts/unsubscribe/token"
FRAME = Frame("shop/checkout/plans.py", 42, "price_of", 'return PLANS[customer["plan"]].price')
EXPLAINED = Explained(
    "The plan of a customer who left is looked up in a table that no longer has it.",
    "Plans are removed before their last invoice.", "Use PLANS.get(…).", 0.82,
)  # fmt: skip
ITEM = Item(
    incident_id=17,
    transition="new",
    reason="a new error in production",
    title="KeyError: no plan for [redacted:email]",
    culprit="shop.checkout.plans in price_of",
    level="error",
    platform="python",
    environment="production",
    release="shop@1.4.2",
    first_seen=datetime(2026, 11, 26, 11, 52, tzinfo=UTC),
    last_seen=datetime(2026, 11, 26, 11, 59, 30, tzinfo=UTC),
    event_count=1_284,
    people_count=37,
    frame=FRAME,
    explained=EXPLAINED,
    removed_count=3,
)


def notice(*items: Item, **given: Any) -> Notice:
    """A notice of these items, else of ITEM."""
    made = Notice("Acme", 1, "Shop", items or (ITEM,), 0, BASE_URL, UNSUBSCRIBE_URL, "Ops")
    return made._replace(**given)

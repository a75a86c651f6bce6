"""What a model costs. Microdollars (millionths of a dollar) throughout: a token of the cheapest costs a hundredth of one."""

from __future__ import annotations

import math
from typing import NamedTuple


class Price(NamedTuple):
    """Dollars per million tokens, which is microdollars per token. written: what the model thinks before it answers, too."""

    read: float
    cached: float
    written: float


class Usage(NamedTuple):
    """Tokens as the provider counted them. cached: those of `read` that it had read before."""

    read: int = 0
    cached: int = 0
    written: int = 0


# November 2026, openai.com/api/pricing.
PRICES = {
    "gpt-6-luna": Price(0.10, 0.01, 0.50),
    "gpt-5.6-luna": Price(0.20, 0.02, 1.20),
}
# Of a model that is not listed: dearer than those that are, so that a budget is used up too early rather than too late.
DEFAULT = Price(2.00, 2.00, 10.00)


def price_of(model: str) -> Price:
    """The model's own price, or DEFAULT."""
    return PRICES.get(model, DEFAULT)


def cost(model: str, usage: Usage) -> int:
    """Microdollars, rounded up."""
    price = price_of(model)
    fresh = max(usage.read - usage.cached, 0)
    return math.ceil(fresh * price.read + usage.cached * price.cached + usage.written * price.written)


def most(model: str, request_bytes: int, output_tokens_max: int) -> int:
    """Microdollars that a call cannot exceed: no token is shorter than a byte."""
    return cost(model, Usage(request_bytes, 0, output_tokens_max))

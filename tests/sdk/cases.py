"""What the sample programs are run for: every bug, under variations of circumstances, with data of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

SERVERS = ("web-1.example.com", "worker-7f9c4d5b6-x2x9z")
NAMES = ("Ada", "Bjarne", "Chloe", "Dmitri", "Émile", "Fatima")


@dataclass(frozen=True)
class Variation:
    """One run of a program. `mode` says who calls the bug, `seed` decides the data, `runtime` is another interpreter's path.

    `planted` is added to the data, `options` to what the SDK is initialised with; both are pairs.

    Tiers, as what a person expects of the events of one bug: `must` and `should` share an incident with `base`, `may` too if
    the root cause is known from it, `hard` where names are lost.
    """

    name: str
    tier: str
    mode: str = "direct"
    shift: bool = False
    cosmetic: bool = False
    folder: str = "srv/app"
    seed: int = 0
    release: str = "shop@1.4.0"
    server_name: str = SERVERS[0]
    environment: str = "production"
    runtime: str = ""
    planted: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


BASE = Variation("base", "must")
DATA = replace(BASE, name="data", seed=1)
RELEASE_HOST = replace(BASE, name="release_host", release="shop@1.5.2", server_name=SERVERS[1], environment="staging")
ALL_MUST = replace(RELEASE_HOST, name="all_must", shift=True, folder="home/deploy/shop-1.5.2", seed=2, release="8c1d2ab")
MUST = (
    replace(BASE, name="line_shift", shift=True),
    replace(BASE, name="path", folder="var/www/releases/20261103T101500Z/shop"),
    DATA,
    RELEASE_HOST,
)
COSMETIC = replace(BASE, name="cosmetic", tier="should", cosmetic=True)
WRAPPED = replace(BASE, name="wrapped", tier="may", mode="wrapped")
MESSAGE_VARIATIONS = (BASE, DATA, RELEASE_HOST, ALL_MUST)


def should(*modes: str) -> tuple[Variation, ...]:
    """The same bug reached in other ways."""
    return tuple(replace(BASE, name=mode, tier="should", mode=mode) for mode in modes)


def runtimes(interpreters: dict[str, str]) -> tuple[Variation, ...]:
    """The same program under other interpreters, by name (`python3.13`) and path."""
    return tuple(replace(BASE, name=name, runtime=path) for name, path in sorted(interpreters.items()))


def spread(
    bugs: tuple[str, ...], always: tuple[Variation, ...], turns: tuple[tuple[Variation, ...], ...]
) -> dict[Variation, list[str]]:
    """Which bugs each variation is run for: `always` for all, and of each group in `turns` one after the other, two a bug.

    Every bug in every variation would be three times the bytes and teach little more.
    """
    chosen: dict[Variation, list[str]] = {variation: list(bugs) for variation in always}
    for group in turns:
        for place, bug in enumerate(bugs):
            for variation in {group[(2 * place) % len(group)], group[(2 * place + 1) % len(group)]}:
                chosen.setdefault(variation, []).append(bug)
    return chosen


def data_of(seed: int) -> dict[str, str]:
    """What a customer brings along: ids, addresses, numbers. Invented, of documentation ranges (RFC 2606, RFC 5737)."""
    chosen = random.Random(f"customer {seed}")
    name = chosen.choice(NAMES)
    return {
        "order_id": f"o-{chosen.randrange(10**6):06}",
        "user_id": str(chosen.randrange(1000, 10**6)),
        "number": str(chosen.randrange(100, 1000)),
        "uuid": "-".join(f"{chosen.randrange(16**width):0{width}x}" for width in (8, 4, 4, 4, 12)),
        "name": name,
        "email": f"{name.encode('ascii', 'ignore').decode().lower()}{chosen.randrange(100)}@example.com",
        "ip": f"203.0.113.{chosen.randrange(1, 255)}",
        "region": chosen.choice(["eu", "us", "ap"]),
    }


def run_of(variation: Variation, targets: list[str], dsn: str, ping_url: str) -> dict[str, Any]:
    """What a program reads from its standard input, as JSON."""
    ctx = data_of(variation.seed) | dict(variation.planted)
    return {
        "dsn": dsn,
        "ping_url": ping_url,
        "mode": variation.mode,
        "release": variation.release,
        "environment": variation.environment,
        "server_name": variation.server_name,
        "options": dict(variation.options),
        "cases": [{"label": target, "target": target, "ctx": ctx} for target in targets],
    }

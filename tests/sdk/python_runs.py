"""Runs the sample programs in python/ under the unmodified sentry-sdk."""

from __future__ import annotations

import json
import platform
import site
import sys
from pathlib import Path

from tests.sdk import programs, render
from tests.sdk.cases import Variation, run_of

TEMPLATES = Path(__file__).with_name("python")
BUGS = (
    "shop.orders:show",
    "shop.orders:invoice",
    "shop.orders:notify",
    "shop.orders:reserve",
    "shop.orders:summarise",
    "shop.pricing:quote",
    "shop.pricing:checkout",
    "shop.pricing:split_bill",
    "shop.pricing:clearance",
    "shop.catalog.search:facets",
    "shop.catalog.search:results",
    "shop.catalog.search:breadcrumb",
    "shop.catalog.search:filtered",
    "shop.catalog.search:export",
    "shop.catalog.importers.feed:from_json",
    "shop.catalog.importers.feed:from_text",
    "shop.catalog.importers.feed:from_xml",
    "shop.catalog.importers.feed:from_csv",
    "shop.catalog.importers.feed:validate",
    "shop.settings:load_inline",
    "shop.settings:load_file",
    "shop.settings:load_environment",
    "shop.settings:load_ini",
    "shop.warehouse.client:availability",
    "shop.warehouse.client:stock_levels",
    "shop.warehouse.client:heartbeat",
    "shop.warehouse.stock:receive",
    "shop.warehouse.stock:report",
    "shop.warehouse.stock:pick",
    "shop.warehouse.stock:level",
    "shop.warehouse.stock:transfer",
    "shop.mail.render:shipped",
    "shop.mail.render:welcome",
    "shop.mail.render:attachment",
    "shop.mail.render:preview",
    "shop.live.updates:subscribe",
    "shop.live.updates:poll",
    "shop.live.updates:broadcast",
    "shop.live.updates:gathered",
)
MESSAGES = (
    "shop.alarms:payment_declined",
    "shop.alarms:payment_refunded",
    "shop.alarms:low_stock",
    "shop.alarms:unreachable",
    "shop.alarms:cold_cache",
    "shop.alarms:late_delivery",
    "shop.alarms:disk",
)
IN_PROCESS = ("again", "thread", "loop", "logged")
BEHIND_HTTP = ("wsgi", "starlette")
UNCAUGHT = "uncaught"


def packages() -> str:
    """Where the sentry-sdk of this environment lies."""
    return next(path for path in site.getsitepackages() if path.endswith("site-packages"))


def run(variation: Variation, targets: list[str], sandbox: Path, dsn: str, ping_url: str) -> None:
    """Write the program for `variation` into `sandbox` and run it; raises ProgramError where it fails."""
    folder = sandbox / variation.folder
    render.write(TEMPLATES, folder, shift=variation.shift, cosmetic=variation.cosmetic)
    uncaught = variation.mode == UNCAUGHT
    # An uncaught exception ends a process, so each of these bugs gets its own.
    for chosen in [[target] for target in targets] if uncaught else [targets]:
        programs.run(
            [variation.runtime or sys.executable, "main.py"],
            folder,
            json.dumps(run_of(variation, chosen, dsn, ping_url)),
            {"PYTHONPATH": packages(), "PYTHONDONTWRITEBYTECODE": "1"},
            may_fail=uncaught,
        )


def generic_paths(variation: Variation, sandbox: Path) -> dict[str, str]:
    """What in an event names this machine, and what stands there instead: a container's usual places."""
    interpreter = variation.runtime or sys.executable
    return {
        packages(): "/home/app/.venv/lib/python3/site-packages",
        interpreter: "/home/app/.venv/bin/python",
        sys.prefix: "/home/app/.venv",
        str(sandbox): "",
        programs.run([interpreter, "-c", "import sys; print(sys.base_prefix)"], sandbox).strip(): "/usr/local",
        platform.release(): "6.8.0-45-generic",
    }

"""Vercel Cron: on this machine, where `make dev` runs what vercel.json lists, and as the Pro plan takes it (`make vercel-pro`).

vercel.json ships crons of once a day, since a deployment on the Hobby plan fails with more.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.folders import ROOT

FILE = ROOT / "vercel.json"
EVERY_MINUTE = "* * * * *"
# What is to run each minute on Pro, and here; the others are fine once a day.
MINUTELY = ("/api/cron/alerts",)
MINUTE_SECONDS = 60.0
TIMEOUT_SECONDS = 120.0  # as long as the function lives


def pro(text: str) -> str:
    """vercel.json with the crons of each minute; nothing else of it changes. Raises ValueError where one is not listed."""
    for path in MINUTELY:
        text, found = re.subn(rf'("path": "{re.escape(path)}", "schedule": )"[^"]*"', rf'\g<1>"{EVERY_MINUTE}"', text)
        if found != 1:
            raise ValueError(f"vercel.json lists {found} crons of {path}")
    return text


def paths(file: Path = FILE) -> list[str]:
    """What vercel.json lists that is to run each minute."""
    return [cron["path"] for cron in json.loads(file.read_text())["crons"] if cron["path"] in MINUTELY]


@contextmanager
def running(url: str, secret: str, minute_seconds: float = MINUTE_SECONDS) -> Iterator[None]:
    """While it lasts, the crons run. One that fails is not repeated before its next minute, as on Vercel."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(minute_seconds):
            for path in paths():
                _call(url + path, secret)

    thread = threading.Thread(target=run, name="crons", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _call(url: str, secret: str) -> None:
    try:
        answer = httpx.get(url, headers={"Authorization": f"Bearer {secret}"}, timeout=TIMEOUT_SECONDS, trust_env=False)
        problem = "" if answer.is_success else f"answers {answer.status_code}"
    except httpx.HTTPError as error:
        problem = f"fails: {type(error).__name__}"
    if problem:
        print(f"cron {url} {problem}", file=sys.stderr, flush=True)


def main() -> int:
    """Write vercel.json anew."""
    FILE.write_text(pro(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    print("vercel.json now asks for crons of each minute: deploy it to a Pro plan, and do not commit it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

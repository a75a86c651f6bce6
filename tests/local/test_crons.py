"""Crons: once a day as shipped, each minute on Pro and on this machine."""

from __future__ import annotations

import json
import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local import crons, serving

SHIPPED = crons.FILE.read_text(encoding="utf-8")


def test_what_is_shipped_runs_once_a_day_as_hobby_takes_it() -> None:
    for cron in json.loads(SHIPPED)["crons"]:
        minute, hour, *rest = cron["schedule"].split()
        assert minute.isdigit()
        assert hour.isdigit()
        assert rest == ["*", "*", "*"]


def test_pro_changes_the_schedules_of_each_minute_and_nothing_else() -> None:
    before, after = json.loads(SHIPPED), json.loads(crons.pro(SHIPPED))
    schedules = {cron["path"]: cron["schedule"] for cron in after["crons"]}
    assert {path for path, schedule in schedules.items() if schedule == crons.EVERY_MINUTE} == set(crons.MINUTELY)
    for cron in after["crons"]:
        if cron["path"] in crons.MINUTELY:
            cron["schedule"] = next(one["schedule"] for one in before["crons"] if one["path"] == cron["path"])
    assert after == before
    assert crons.pro(crons.pro(SHIPPED)) == crons.pro(SHIPPED)


def test_a_cron_that_is_not_listed_is_told() -> None:
    with pytest.raises(ValueError, match="lists 0 crons"):
        crons.pro(SHIPPED.replace("/api/cron/alerts", "/api/cron/nothing"))


def test_on_this_machine_they_run_with_the_secret() -> None:
    seen = []

    async def take(request: Request) -> Response:
        seen.append((request.method, request.url.path, request.headers["authorization"]))
        return Response(status_code=500)  # no reason to stop

    app = Starlette(routes=[Route("/api/cron/alerts", take)])
    with serving.in_thread(app) as url, crons.running(url, "secret", 0.02):
        deadline = time.monotonic() + 10
        while len(seen) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert set(seen) == {("GET", "/api/cron/alerts", "Bearer secret")}

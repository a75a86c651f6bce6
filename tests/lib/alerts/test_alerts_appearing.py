"""What an environment meets first, or has back first, is news to the rules that look at it: once an episode, and to no others."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from db import migrate
from lib.alerts import rule_settings
from tests.lib.alerts.stage import HOUR, Alerting
from tests.lib.rows import fingerprint, row

BOTH = {"transitions": ["new", "regressed"]}
PRODUCTION = {"environments": ["production"]}


async def resolve(alerting: Alerting, incident_id: int) -> None:
    await alerting.rows("UPDATE incidents SET status = 'resolved', status_changed_at = now() WHERE id = %s", incident_id)


async def kinds(alerting: Alerting) -> list[tuple[str, str | None]]:
    """(kind, environment) of the project's transitions, in their order."""
    sql = "SELECT kind, environment FROM transitions WHERE project_id = %s ORDER BY id"
    return [(kind, environment) for kind, environment in await alerting.rows(sql, alerting.project_id)]


async def merge(alerting: Alerting, kept: int, others: list[int]) -> None:
    await alerting.rows("SELECT merge_incidents(%s, %s, %s, NULL, 100)", alerting.project_id, kept, others)


async def test_owners_are_told_of_production_what_staging_has_met_before(alerting: Alerting) -> None:
    """The rule that every project begins with, on the usual way of a release."""
    await alerting.record(environment="staging", release="v7")
    assert (await alerting.sweep(HOUR))["sent"] == 0
    await alerting.record(environment="production", release="v7", title="KeyError: 'plan'")
    assert (await alerting.sweep())["sent"] == 1
    [mail] = alerting.outbox.mails
    assert "Seen for the first time in this environment" in mail.text
    assert "production" in mail.text
    for environment in ("production", "staging", None):
        await alerting.record(environment=environment, number=3)
    assert (await alerting.sweep(HOUR))["sent"] == 0


async def test_what_is_back_in_staging_first_is_told_when_it_is_back_in_production(alerting: Alerting) -> None:
    await alerting.rule(BOTH, PRODUCTION)
    incident_id = await alerting.record()
    await alerting.sweep()
    for _ in range(2):  # each time that it was resolved
        await resolve(alerting, incident_id)
        await alerting.record(environment="staging")
        await alerting.sweep(HOUR)
        await alerting.record(number=2)
        await alerting.sweep(HOUR)
        await alerting.record()
        await alerting.sweep(HOUR)
    await resolve(alerting, incident_id)
    await alerting.recorder.record([row(alerting.project_id, environment=one) for one in ("staging", "production")])
    await alerting.sweep(HOUR)
    assert alerting.told() == [[(incident_id, "new")], *[[(incident_id, "regressed")]] * 3]
    back = [("regressed", "staging"), ("appeared", "production")]
    assert await kinds(alerting) == [("new", "production"), *back, *back, *back]


async def test_a_rule_of_every_environment_is_told_no_second_time(alerting: Alerting) -> None:
    await alerting.rule(BOTH)
    incident_id = await alerting.record(environment="staging")
    await alerting.sweep()
    await alerting.record()
    await alerting.sweep(HOUR)
    assert alerting.told() == [[(incident_id, "new")]]
    assert await alerting.rows("SELECT 1 FROM transitions WHERE handled_at IS NULL") == []


@pytest.mark.parametrize(
    ("conditions", "patterns", "met", "told"),
    [
        (BOTH, ["prod*"], ["prod-eu", "prod-us"], ["new"]),  # one rule is told once, whichever of its environments comes first
        (BOTH, ["prod*"], ["staging", "prod-us", "prod-eu"], ["new"]),
        (BOTH, ["prod-eu", "prod-us"], ["prod-us", "prod-eu"], ["new"]),
        (BOTH, ["PROD"], ["prod", "Prod"], ["new"]),
        (BOTH, ["production"], ["staging", None, "production"], ["new"]),  # who names none is in production
        (BOTH, ["production"], ["staging", "prod"], []),
        (BOTH, ["staging"], ["production", "dev"], []),
        ({"transitions": ["regressed"]}, ["production"], ["staging", "production"], []),
        ({"transitions": ["escalated"]}, ["production"], ["staging", "production"], []),
    ],
)
@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "in one batch"])
async def test_a_rule_is_told_of_an_episode_once(
    alerting: Alerting, conditions: dict[str, Any], patterns: list[str], met: list[str | None], told: list[str], at_once: bool
) -> None:
    await alerting.rule(conditions, {"environments": patterns})
    if at_once:
        await alerting.recorder.record([row(alerting.project_id, environment=one) for one in met])
        await alerting.sweep()
    else:
        for environment in met:
            await alerting.record(environment=environment)
            await alerting.sweep(HOUR)
    assert [kind for items in alerting.told() for _, kind in items] == told
    assert len(await alerting.rows("SELECT 1 FROM alerts WHERE project_id = %s", alerting.project_id)) == len(told)


async def test_a_channel_is_told_by_each_of_two_rules_what_is_news_to_it(alerting: Alerting) -> None:
    """Whoever asks for all that is new and for production wants both; what is new in production is told once."""
    channel_id = await alerting.rule(BOTH)
    [(second,)] = await alerting.rows(
        "INSERT INTO alert_rules (project_id, name, conditions, filters) VALUES (%s, 'Second', %s, %s) RETURNING id",
        alerting.project_id, '{"transitions": ["new"]}', '{"environments": ["production"]}',
    )  # fmt: skip
    await alerting.rows("INSERT INTO alert_rule_channels VALUES (%s, %s, %s)", alerting.project_id, second, channel_id)
    tested = await alerting.record("tested", environment="staging")
    await alerting.sweep()
    untested = await alerting.record("untested")
    await alerting.sweep(HOUR)
    await alerting.record("tested")
    await alerting.sweep(HOUR)
    assert alerting.told() == [[(tested, "new")], [(untested, "new")], [(tested, "new")]]


async def test_the_other_filters_look_at_the_event_that_appeared(alerting: Alerting) -> None:
    await alerting.rule(BOTH, {**PRODUCTION, "levels": ["fatal"], "releases": ["shop@2*"], "services": ["web"]})
    found = []
    cases: list[dict[str, Any]] = [{}, {"level": "fatal"}, {"level": "fatal", "service": "web", "release": "shop@2.1"}]
    for crash, columns in enumerate(cases):
        await alerting.record(crash, environment="staging", level="fatal", service="web", release="shop@2.0")
        found.append(await alerting.record(crash, **columns))
    await alerting.sweep()
    assert alerting.told() == [[(found[-1], "new")]]


async def test_nothing_is_told_of_what_is_ignored_or_stays_resolved(alerting: Alerting) -> None:
    await alerting.rule(BOTH, PRODUCTION)
    ignored = await alerting.record("ignored", environment="staging")
    resolved = await alerting.record("resolved", environment="staging", release="shop@2.0.0", release_key="2")
    await alerting.rows("UPDATE incidents SET status = 'ignored', ignored_until_count = 3 WHERE id = %s", ignored)
    await alerting.rows(
        "UPDATE incidents SET status = 'resolved', status_changed_at = now(), resolved_release = 'shop@2.0.0' WHERE id = %s",
        resolved,
    )
    await alerting.record("ignored")
    await alerting.record("resolved", release="shop@1.0.0", release_key="1")  # its servers were only not updated yet
    await alerting.record("ignored", number=2)  # the end of ignoring, which this rule does not ask for
    await alerting.record("ignored")
    await alerting.sweep()
    assert alerting.told() == []
    assert await kinds(alerting) == [("new", "staging"), ("new", "staging"), ("escalated", "production")]


async def test_overlapping_batches_and_sweeps_tell_a_rule_once(alerting: Alerting) -> None:
    await alerting.rule(BOTH, {"environments": ["prod*"]})
    crashes = [await alerting.record(crash, environment="staging") for crash in range(6)]
    await asyncio.gather(
        *(alerting.record(crash, environment=f"prod-{number % 4}") for number in range(8) for crash in range(len(crashes)))
    )
    await asyncio.gather(*(alerting.sweep() for _ in range(4)))
    await alerting.sweep(HOUR)
    assert sorted(incident for items in alerting.told() for incident, _ in items) == sorted(crashes)
    found = await kinds(alerting)
    assert [found.count(("appeared", f"prod-{number}")) for number in range(4)] == [len(crashes)] * 4


async def test_environments_without_end_are_no_news_without_end(alerting: Alerting) -> None:
    await alerting.rule(BOTH, {"environments": ["production"]})
    for batch in range(4):
        environments = [f"preview-{batch}-{number}" for number in range(90)]
        await alerting.recorder.record([row(alerting.project_id, environment=one) for one in environments])
    assert 100 <= len(await kinds(alerting)) < 200
    await alerting.sweep()
    assert alerting.told() == []


async def test_a_merge_makes_nothing_news_that_one_of_them_was_known_for(alerting: Alerting) -> None:
    kept, open_there, back_there = [await alerting.record(crash, environment="staging") for crash in ("kept", "open", "back")]
    await alerting.record("open")
    await alerting.record("back", environment="demo")
    await resolve(alerting, back_there)
    await alerting.rule(BOTH, {"environments": ["production", "demo"]})
    await merge(alerting, kept, [open_there, back_there])
    await alerting.sweep(HOUR)
    before = len(alerting.told())
    await alerting.record("kept")
    await alerting.sweep(HOUR)
    assert len(alerting.told()) == before, "it is in production under the other's fingerprint"
    await alerting.record("back", environment="demo")
    await alerting.sweep(HOUR)
    assert alerting.told()[before:] == [[(kept, "new")]], "what was resolved is back"


async def test_what_is_split_off_is_news_where_it_was_never_seen_itself(alerting: Alerting) -> None:
    homes = [await alerting.record(crash, environment=where) for crash, where in (("one", "staging"), ("two", "production"))]
    homes.append(await alerting.record("three", environment=None))
    await merge(alerting, homes[0], homes[1:])
    await alerting.rule(BOTH, PRODUCTION)
    await alerting.sweep()
    told = len(alerting.told())
    split = "SELECT incident_id FROM split_incident(%s, %s, %s::uuid[], NULL)"
    # Its own fingerprint is split off to a new incident, one of the others to where it came from.
    leads = [(await alerting.rows(split, alerting.project_id, homes[0], [fingerprint(one)]))[0][0] for one in ("one", "three")]
    assert leads[0] not in homes
    assert leads[1] == homes[2]
    for crash in ("one", "two", "three"):
        await alerting.record(crash)
        await alerting.record(crash, environment=None)
    await alerting.sweep(HOUR)
    assert alerting.told()[told:] == [[(leads[0], "new")]]


async def test_a_split_forgets_no_news_of_what_is_back(alerting: Alerting) -> None:
    whole, other = await alerting.record("one"), await alerting.record("two")
    await merge(alerting, whole, [other])
    await alerting.rule(BOTH, PRODUCTION)
    await resolve(alerting, whole)
    await alerting.record("one", environment="staging")
    await alerting.sweep()
    told = len(alerting.told())
    split = "SELECT refusal FROM split_incident(%s, %s, %s::uuid[], NULL)"
    assert await alerting.rows(split, alerting.project_id, whole, [fingerprint("two")]) == [(None,)]
    await alerting.record("one")
    await alerting.sweep(HOUR)
    assert alerting.told()[told:] == [[(whole, "regressed")]]


async def test_of_incidents_from_before_only_what_they_never_met_is_news(alerting: Alerting) -> None:
    """As after an upgrade: nothing is known of when they were met where."""
    cases: dict[str, tuple[list[str | None], str | None, bool]] = {
        "met there": (["staging", "production"], "production", False),
        "never met there": (["staging"], "production", True),
        "nameless": ([None], None, False),
        "nameless, and named since": ([None], "production", False),
        "nameless, so long ago that nothing counts it": ([None], "production", False),
        "nameless beside named": (["staging", None], None, False),
        "nameless for the first time": (["staging"], None, True),
    }
    for crash, (met, _, _) in cases.items():
        for environment in met:
            await alerting.record(crash, environment=environment)
    await alerting.sweep()
    await alerting.rows("UPDATE incidents SET appeared_in = NULL WHERE project_id = %s", alerting.project_id)
    gone = fingerprint("nameless, so long ago that nothing counts it")
    await alerting.rows("DELETE FROM event_counts WHERE project_id = %s AND fingerprint = %s", alerting.project_id, gone)
    await alerting.rule(BOTH, PRODUCTION)
    found = {crash: await alerting.record(crash, environment=now) for crash, (_, now, _) in cases.items()}
    await alerting.sweep(HOUR)
    told = {incident for items in alerting.told() for incident, _ in items}
    assert {crash: incident in told for crash, incident in found.items()} == {crash: case[2] for crash, case in cases.items()}


async def test_what_was_told_before_an_upgrade_is_not_told_again(alerting: Alerting) -> None:
    await alerting.rule(BOTH, {"environments": ["prod*"]})
    incident_id = await alerting.record(environment="prod-eu")
    await alerting.sweep()
    migration = (migrate.MIGRATIONS / "0077_appearances.sql").read_text()
    [taken_over] = re.findall(r"^insert into alert_states.*?;", migration, re.DOTALL | re.MULTILINE)
    await alerting.rows("DELETE FROM alert_states WHERE project_id = %s", alerting.project_id)
    await alerting.rows(taken_over)
    await alerting.record(environment="prod-us")
    await alerting.sweep(HOUR)
    assert alerting.told() == [[(incident_id, "new")]]


async def test_a_preview_tells_of_an_episode_once_as_the_rule_would_have(alerting: Alerting) -> None:
    incident_id = await alerting.record(environment="staging")
    await alerting.record(environment="prod-eu")
    await alerting.record(environment="prod-us")
    async with alerting.database.transaction() as conn:
        for filters, reasons in (
            ({"environments": ["prod*"]}, ["seen for the first time in this environment"]),
            ({}, ["seen for the first time"]),
            ({"environments": ["demo"]}, []),
        ):
            found = await rule_settings.preview(conn, alerting.project_id, BOTH, filters)
            assert [(one["incident_id"], one["kind"], one["reason"]) for one in found["items"]] == [
                (incident_id, "new", reason) for reason in reasons
            ]

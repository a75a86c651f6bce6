"""The isolation matrix: every operation × everybody × one's own ids, another tenant's, deleted ones, ones that never were.

`faults` judges one operation and answers what is wrong, in words. What ought to be answered comes from the operation's
declaration and from lib/permissions.py, but is worked out here once more: what decides must not be its own judge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest

from lib import settings
from lib.operations import ANYONE, CHANGING, SIGNED_IN, Operation
from lib.permissions import PERMISSIONS
from local import reference
from tests.api.calls import Answer, Instance, instance
from tests.api.conftest import ORIGIN, Stage
from tests.api.examples import EXAMPLES, Ids, nouns, request
from tests.api.nouns import NOUNS, need
from tests.api.worlds import ROLES, Actor, World, cast, delete, leaks, make_world, snapshot, strangers

ALLOWED = 0
# What some operations need.
SETTINGS = {"PUBLIC_URL": ORIGIN, "OPENAI_API_KEY": "sk-" + "test"}
TARGETS = ("workspace_id", "project_id")
OPERATIONS: dict[str, tuple[str, Operation]] = {one.name: (file, one) for file, one in reference.operations()}


class Theatre(NamedTuple):
    """The functions, two worlds side by side with everybody who asks about the first, and a deleted one."""

    stage: Stage
    instances: Mapping[str, Instance]
    ours: World
    theirs: World
    gone: World
    actors: list[Actor]
    elsewhere: list[Actor]


@asynccontextmanager
async def theatre(stage: Stage) -> AsyncIterator[Theatre]:
    """A theatre of its own; call it where the environment leads to the stage's database."""
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        settings.current.cache_clear()
        instances = {name: await stack.enter_async_context(instance(module.app)) for name, module in reference.modules()}
        ours, theirs, gone = await make_world(stage), await make_world(stage), await make_world(stage)
        actors, elsewhere = await cast(stage, ours, theirs), await strangers(stage)
        await delete(stage, gone)
        yield Theatre(stage, instances, ours, theirs, gone, actors, elsewhere)


def expected(operation: Operation, actor: Actor) -> int:
    """What this actor is to be answered about the world that their role and scopes are in: a status, or ALLOWED."""
    if operation.permission == ANYONE:
        return ALLOWED
    if actor.kind in {"anonymous", "ingest"}:
        return 401
    if operation.permission == SIGNED_IN:
        return ALLOWED if actor.kind == "person" else 403
    if actor.kind == "ended":
        return 401
    if actor.kind == "key":
        if not actor.of_project or "{project_id" not in operation.path:
            return 404
        return ALLOWED if operation.permission in actor.scopes else 403
    if actor.role is None:
        return 404
    return ALLOWED if ROLES.index(actor.role) >= ROLES.index(PERMISSIONS[operation.permission].at_least) else 403


class Trial:
    """One operation is judged."""

    def __init__(self, theatre: Theatre, name: str) -> None:
        self.theatre = theatre
        self.stage = theatre.stage
        self.file, self.operation = OPERATIONS[name]
        self.example = EXAMPLES[name]
        self.nouns = nouns(self.operation)
        self.faults: list[str] = []

    def expect(self, holds: bool, fault: str) -> None:
        """Note a fault unless this holds."""
        if not holds:
            self.faults.append(f"{self.operation.name}: {fault}")

    async def call(self, actor: Actor, ids: Ids, more: Ids | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to the example with these ids, and `more` in the query."""
        method, post = request(self.operation, ids, more)
        sent = post._replace(headers={**post.headers, **(actor.headers if headers is None else headers)})
        return await self.theatre.instances[self.file].call(method, sent)

    async def judge(self) -> list[str]:
        """Everything; answers what is wrong."""
        ours, theirs, gone, everybody = await self.worlds()
        for world in (ours, theirs):
            await need(world, self.nouns)
        places = [world.tenant.workspace_id for world in (ours, theirs)]
        before = await snapshot(self.stage, places)
        if self.operation.permission != ANYONE:
            await self.refusals(ours, everybody)
            await self.foreign(ours, theirs, gone, everybody)
            await self.cookies(ours, everybody)
        await self.differences(before, places, "what was refused")
        if self.operation.method == "GET" and self.operation.permission not in {SIGNED_IN, ANYONE}:
            await self.reading(ours, theirs, everybody)
        else:
            await self.acting(theirs)
        await self.differences(before, places, "what was done elsewhere")
        return self.faults

    async def worlds(self) -> tuple[World, World, World, list[Actor]]:
        """(ours, theirs, one that is not there for this operation, everybody who asks about ours)."""
        stage, found = self.theatre.stage, self.theatre
        if not self.operation.of_deleted:
            return found.ours, found.theirs, found.gone, found.actors + found.elsewhere
        ours, theirs = await make_world(stage), await make_world(stage)
        everybody = await cast(stage, ours, theirs)
        for world in (ours, theirs):
            await need(world, self.nouns)
            await self.delete(world)
        # The keys of what is deleted have ended with it.
        everybody = [one._replace(kind="ended") if one.kind == "key" else one for one in everybody]
        return ours, theirs, found.ours, everybody + found.elsewhere

    async def differences(self, before: dict[str, str], places: list[int], what: str) -> None:
        """Nothing of these workspaces may have changed; a reading operation may write its trail."""
        after = await snapshot(self.stage, places)
        changed = sorted(name for name in after if after[name] != before[name])
        if self.operation.method == "GET":
            changed = [name for name in changed if name != "audit_log"]
        self.expect(not changed, f"{what} changed {', '.join(changed)}")

    async def refusals(self, ours: World, everybody: list[Actor]) -> None:
        """Who may not is told so, and stands in the trail."""
        noted = set()
        for actor in everybody:
            status = expected(self.operation, actor)
            if status == ALLOWED:
                continue
            answer = await self.call(actor, ours.ids)
            self.refused(answer, status, f"{actor.name} is to be answered {status}")
            if self.operation.permission != SIGNED_IN and (status == 403 or (status == 404 and actor.kind == "person")):
                noted.add((actor.kind, actor.id or 0))
        rows = await self.stage.rows(
            "SELECT DISTINCT actor_kind, actor_id FROM audit_refusals WHERE workspace_id = %s AND action = %s",
            ours.tenant.workspace_id, self.operation.action,
        )  # fmt: skip
        missing = noted - {(row["actor_kind"], row["actor_id"]) for row in rows}
        self.expect(not missing, f"refused attempts are not in the trail: {sorted(missing)}")

    def refused(self, answer: Answer, status: int, what: str) -> None:
        """A refusal of this status that tells nothing of anybody."""
        self.expect(answer.status == status, f"{what}, and is answered {answer.status}")
        self.expect(answer.headers.get("content-type") == "application/problem+json", f"{what}, as a problem")
        self.expect(not leaks(answer.body), f"{what}, and reads {leaks(answer.body)}")

    async def foreign(self, ours: World, theirs: World, gone: World, everybody: list[Actor]) -> None:
        """Another's ids are answered exactly as ids that do not exist, wherever they stand."""
        nowhere = {name: NOUNS[name].missing for name in NOUNS}
        if self.example.why:
            return
        target = next((name for name in self.nouns if name in TARGETS), None)
        insiders = [one for one in everybody if one.role or (one.of_project and expected(self.operation, one) == ALLOWED)]
        if target and self.operation.permission != SIGNED_IN:
            for actor in insiders:
                absent = await self.call(actor, {**theirs.ids, target: nowhere[target]})
                self.refused(absent, 404, f"{actor.name} asks about no {target}")
                self.same(await self.call(actor, theirs.ids), absent, f"{actor.name} asks about another's {target}")
            owner = await gone.person("owner")
            absent = await self.call(owner, {**ours.ids, target: nowhere[target]})
            there = "one that was not deleted" if self.operation.of_deleted else "a deleted one"
            self.same(await self.call(owner, {**ours.ids, target: gone.ids[target]}), absent, f"an owner asks about {there}")
        for actor in insiders:
            if expected(self.operation, actor) != ALLOWED or (actor.kind == "person" and actor.role != "owner"):
                continue
            for name in self.nouns:
                if name == target or theirs.ids[name] == ours.ids[name]:
                    continue
                absent = await self.call(actor, {**ours.ids, name: nowhere[name]})
                found = await self.call(actor, {**ours.ids, name: theirs.ids[name]})
                self.same(found, absent, f"{actor.name} asks about another's {name}")

    def same(self, answer: Answer, absent: Answer, what: str) -> None:
        """Not a byte tells that there is something."""
        kinds = [(one.status, one.headers.get("content-type"), one.body) for one in (answer, absent)]
        self.expect(kinds[0] == kinds[1], f"{what}: {kinds[0]}; were there none: {kinds[1]}")

    async def cookies(self, ours: World, everybody: list[Actor]) -> None:
        """A cookie alone, or with a foreign origin, changes nothing."""
        if self.operation.method not in CHANGING:
            return
        owner = next(actor for actor in everybody if actor.role == "owner")
        cookie = {"cookie": "__session=" + owner.headers["Authorization"].partition(" ")[2], "host": "sensra.test"}
        for origin in ({}, {"origin": "https://evil.example"}):
            answer = await self.call(owner, ours.ids, headers={**cookie, **origin})
            self.refused(answer, 403, f"a foreign page's request ({origin}) is to be refused")

    async def reading(self, ours: World, theirs: World, everybody: list[Actor]) -> None:
        """Who may read reads what is theirs, whatever else the address says."""
        taken = set(self.operation.query.model_fields) if self.operation.query else set()
        poison = {name: theirs.ids[name] for name in TARGETS if name not in taken}
        for actor in everybody:
            if expected(self.operation, actor) != ALLOWED:
                continue
            answer = await self.call(actor, ours.ids)
            self.answered(answer, f"{actor.name} may", ours)
            if self.operation.media_type == "application/json":
                poisoned = await self.call(actor, ours.ids, poison)
                if poisoned.body != answer.body:  # an hour may have begun between the two
                    answer = await self.call(actor, ours.ids)
                self.same(poisoned, answer, f"{actor.name} names another's ids in the query, too")

    def answered(self, answer: Answer, what: str, *worlds: World) -> None:
        """The declared answer, or one that the example gives a reason for, with nothing of anybody else in it."""
        right = {self.operation.status, *self.example.answers}
        self.expect(answer.status in right, f"{what}, and is answered {answer.status}: {answer.body[:300]!r}")
        found = leaks(answer.body, *worlds)
        self.expect(not found, f"{what}, and reads {found} of others")

    async def acting(self, theirs: World) -> None:
        """Who may do it does it in a world of their own, and its trail tells so."""
        if self.operation.permission == ANYONE:
            answers = [await self.call(actor, theirs.ids) for actor in self.theatre.actors]
            for answer in answers:
                self.answered(answer, "everybody may")
            return
        for role in ROLES:
            world = await self.fresh()
            await self.act(world, await world.person(role), theirs)
        if self.operation.permission in PERMISSIONS and PERMISSIONS[self.operation.permission].scope:
            world = await self.fresh()
            await self.act(world, await world.key(self.operation.permission, name="key of this scope"), theirs)
        if self.operation.permission == SIGNED_IN:
            world = await self.fresh()
            email = f"charlie@{world.name}.example"
            await self.act(world, Actor("outsider", "person", self.stage.session(email)), theirs)

    async def fresh(self) -> World:
        """A world to change."""
        world = await make_world(self.stage)
        await need(world, self.nouns)
        if self.operation.of_deleted:
            await self.delete(world)
        return world

    async def delete(self, world: World) -> None:
        """What this operation, which is about deleted ones, can bring back."""
        await delete(self.stage, world, whole="{workspace_id" in self.operation.path)

    async def act(self, world: World, actor: Actor, theirs: World) -> None:
        """One call in this world, by one of its people or keys, with another's ids in the query beside it."""
        if expected(self.operation, actor) != ALLOWED:
            return
        if self.example.only and actor.name not in self.example.only:
            answer = await self.call(actor, world.ids)
            self.expect(answer.status in {403, 404}, f"{actor.name} may not, and is answered {answer.status}")
            return
        newest = await self.newest()
        before = {} if self.example.changes else await snapshot(self.stage, [world.tenant.workspace_id])
        taken = set(self.operation.query.model_fields) if self.operation.query else set()
        poison = {name: theirs.ids[name] for name in TARGETS if name not in taken}
        answer = await self.call(actor, world.ids, poison)
        invited = actor.name != "outsider" or self.example.why
        self.answered(answer, f"{actor.name} may", *([world] if invited else []))
        if self.operation.method == "GET" or answer.status != self.operation.status:
            return
        if not self.example.changes:
            await self.differences(before, [world.tenant.workspace_id], "what changes nothing")
            return
        rows = await self.stage.rows("SELECT actor_kind, actor_id FROM audit_log WHERE id > %s", newest)
        by = {(row["actor_kind"], row["actor_id"]) for row in rows}
        known = (actor.kind, actor.id) in by if actor.id else any(kind == actor.kind for kind, _ in by)
        self.expect(known or not self.example.trail, f"what {actor.name} did is not in the trail: {by}")

    async def newest(self) -> int:
        """The number of the newest line of the trail."""
        [row] = await self.stage.rows("SELECT coalesce(max(id), 0) AS id FROM audit_log")
        return int(row["id"])


async def faults(theatre: Theatre, name: str) -> list[str]:
    """What is wrong with one operation."""
    return await Trial(theatre, name).judge()

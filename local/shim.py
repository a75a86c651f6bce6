"""Run a built function under Vercel's own runtime shim, which lies in its bundle, and talk to it as the platform does.

The shim reports over a Unix socket (VERCEL_IPC_PATH): JSON messages, each ended by NUL. `server-started` names the port that
it serves on; every request carries the ids of its invocation.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local import children
from local.seed import seed

START_SECONDS_MAX = 30.0
IDS = {"x-vercel-internal-invocation-id": "inv_1", "x-vercel-internal-request-id": "1"}


class ShimError(RuntimeError):
    """The function did not start, or did not do what it is for."""


@contextmanager
def running(bundle: Path, python: Path, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The function of `bundle`, started by `python`; yields its URL and the milliseconds of its start. Raises ShimError."""
    config_free = {"PATH": os.environ["PATH"], "PYTHONPATH": "_vendor", "PYTHONDONTWRITEBYTECODE": "1", "VERCEL": "1"}
    path = bundle.parent / "ipc.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(START_SECONDS_MAX)
        env = {**config_free, **environment, "VERCEL_IPC_PATH": str(path)}
        process = children.spawn([str(python), "vc__handler__python.py"], cwd=bundle, env=env, last_signal=signal.SIGKILL)
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(START_SECONDS_MAX)
                started = _started(connection)
                yield f"http://127.0.0.1:{started['httpPort']}", started["initDuration"]
        except TimeoutError as error:
            raise ShimError("the shim did not report a start in time") from error
        finally:
            children.stop(process, signal.SIGTERM, patience_seconds=3)
            path.unlink()


def _started(connection: socket.socket) -> dict[str, Any]:
    """The payload of `server-started`. Raises ShimError where the shim ends, or reports an error, before that."""
    received = b""
    while True:
        part = connection.recv(65_536)
        received += part
        *messages, received = received.split(b"\0")
        for message in map(json.loads, messages):
            if message["type"] == "server-started":
                payload: dict[str, Any] = message["payload"]
                return payload
            if message["type"] == "unrecoverable-error":
                raise ShimError(message["payload"]["message"])
        if not part:
            raise ShimError("the function ended before it was ready")


def take_in_one_event(bundle: Path, python: Path, database_url: str) -> int:
    """Send one event to the built ingest function and find it in the database; returns the milliseconds of the start."""
    demo = asyncio.run(seed(database_url, None))
    event_id = uuid.uuid4().hex
    event = {"event_id": event_id, "message": "sent to the built function", "level": "error", "platform": "python"}
    headers = {**IDS, "x-sentry-auth": f"Sentry sentry_version=7, sentry_key={demo.ingest_key}"}
    with running(bundle, python, {"DATABASE_URL": database_url}) as (url, milliseconds):
        # As after a rewrite: the path that was asked for, with the captures in the query.
        address = f"{url}/api/{demo.project_id}/store/?project_id={demo.project_id}&endpoint=store"
        answer = httpx.post(address, json=event, headers=headers, timeout=30, trust_env=False)
        if answer.status_code != 200 or answer.json().get("id") != event_id:
            raise ShimError(f"the built function answered {answer.status_code}: {answer.text[:500]}")
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT count(*) FROM events WHERE event_id = %s", [uuid.UUID(event_id)]).fetchone()
    if found != (1,):
        raise ShimError(f"the built function answered 200, but {found} events were stored")
    return milliseconds

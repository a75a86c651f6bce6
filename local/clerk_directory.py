"""The people that the local issuer knows more of than their address: who was renamed or deleted over Clerk's Backend API.

PATCH and DELETE /v1/users/{id} as https://clerk.com/docs/reference/backend-api has them, over one JSON file, since several
serving processes share it. A deleted person who signs in again is somebody new, as at Clerk.
"""

from __future__ import annotations

import json
import os
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# It opens nothing but this stand-in, on loopback.
SECRET = "sk_local"


class Directory:
    """What `file` says of people, by their id; a missing file says nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found: dict[str, dict[str, Any]] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _set(self, subject: str, **facts: Any) -> None:
        people = self._read()
        people[subject] = people.get(subject, {}) | facts
        # Written whole under another name first: nobody ever reads half of it.
        whole = self._file.with_suffix(f".{secrets.token_hex(4)}")
        whole.write_text(json.dumps(people), encoding="utf-8")
        os.replace(whole, self._file)  # noqa: PTH105 - atomic, over what is there

    def name_of(self, subject: str) -> str | None:
        """The name that somebody was given, if any."""
        return self._read().get(subject, {}).get("name")

    def is_deleted(self, subject: str) -> bool:
        """Whether the account of this id has been deleted."""
        return bool(self._read().get(subject, {}).get("deleted"))

    def routes(self) -> list[Route]:
        """The part of the Backend API that the product calls."""
        return [Route("/v1/users/{subject}", self._serve, methods=["PATCH", "DELETE"])]

    async def _serve(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return JSONResponse({"errors": [{"code": "authentication_invalid"}]}, HTTPStatus.UNAUTHORIZED)
        subject = request.path_params["subject"]
        if self.is_deleted(subject):
            return JSONResponse({"errors": [{"code": "resource_not_found"}]}, HTTPStatus.NOT_FOUND)
        if request.method == "DELETE":
            self._set(subject, deleted=True)
            return JSONResponse({"object": "user", "id": subject, "deleted": True})
        given = await request.json()
        name = " ".join(filter(None, (given.get("first_name"), given.get("last_name"))))
        self._set(subject, name=name)
        return JSONResponse({"object": "user", "id": subject, **given})

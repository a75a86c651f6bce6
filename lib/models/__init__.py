"""What operations take and answer, as pydantic models: /api/openapi.json is made from them, and tests hold answers against them.

Answers are not validated where they are given: what lib returns is of this shape, which the tests of every operation check.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from lib import paging

Id = Annotated[int, Field(ge=1, le=paging.BIGINT_MAX)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(max_length=200)]
Moment = AwareDatetime
Json = Any


class Body(BaseModel):
    """What a request carries; a field that is not known is refused, since it was meant to do something."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What is answered: these fields, always all of them."""

    model_config = ConfigDict(extra="forbid")


class Query(BaseModel):
    """Parameters of an address. Unknown ones are ignored: a rewrite may add some."""


class PageQuery(Query):
    """A page of a list."""

    limit: int = Field(paging.LIMIT_DEFAULT, ge=1, le=paging.LIMIT_MAX)
    cursor: str | None = Field(None, max_length=paging.CURSOR_CHARACTERS_MAX)


class Page(Answer):
    """A page of a list; next_cursor is null at its end."""

    next_cursor: str | None


class PersonName(Answer):
    """Somebody, as a list names them."""

    id: int
    name: str | None

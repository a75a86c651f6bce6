"""SQL lives in db/queries/<entity>.sql as blocks `-- name: incident_list_by_project`; here they are read, by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "db" / "queries"
MARK = "-- name: "


@cache
def load(entity: str) -> dict[str, str]:
    """Block name → SQL of db/queries/<entity>.sql; raises FileNotFoundError where there is no such file."""
    blocks: dict[str, str] = {}
    for block in (FOLDER / f"{entity}.sql").read_text(encoding="utf-8").split(MARK)[1:]:
        name, _, sql = block.partition("\n")
        blocks[name.strip()] = sql.strip().removesuffix(";")
    return blocks


@cache
def get(name: str) -> str:
    """The SQL of one block; its entity is the word before the first underscore. Raises KeyError where there is none."""
    return load(name.partition("_")[0])[name]

